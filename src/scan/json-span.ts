/** Keeps the raw bytes of one value as it streams, up to a limit. */

const MAX_SPAN_BYTES = 2048;

export class SpanCapture {
  /** The value has begun and not ended. */
  active = false;
  readonly #bytes = new Uint8Array(MAX_SPAN_BYTES);
  #size = 0;
  /** Where in the chunk in hand the bytes begin that were not taken yet. */
  #from = 0;

  begin(from: number): void {
    this.active = true;
    this.#size = 0;
    this.#from = from;
  }

  /** Another chunk, which is read from `from` on. */
  nextChunk(from: number): void {
    this.#from = from;
  }

  append(bytes: Uint8Array, to: number): void {
    const size = to - this.#from;
    if (this.#size + size <= MAX_SPAN_BYTES) this.#bytes.set(bytes.subarray(this.#from, to), this.#size);
    // Past the limit only the size goes on, and says that the span is of no use.
    this.#size += size;
  }

  end(bytes: Uint8Array, to: number): void {
    this.append(bytes, to);
    this.active = false;
  }

  /** A copy, or undefined if the value was too long. */
  take(): Uint8Array | undefined {
    return this.#size > MAX_SPAN_BYTES ? undefined : this.#bytes.slice(0, this.#size);
  }
}
