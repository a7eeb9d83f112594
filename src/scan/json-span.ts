/** Keeps the raw bytes of one value as it streams, up to a limit. */

const MAX_SPAN_BYTES = 2048;
const NO_BYTES = new Uint8Array(0);

export class SpanCapture {
  /** The value has begun and not ended. */
  active = false;
  /** As long as what was taken so far, or as the limit once a value was cut. */
  #bytes = NO_BYTES;
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
    const size = this.#size + to - this.#from;
    if (size <= MAX_SPAN_BYTES) this.#keep(bytes.subarray(this.#from, to), size);
    // Past the limit only the size goes on, and says that the span is of no use.
    this.#size = size;
  }

  #keep(more: Uint8Array, size: number): void {
    if (this.#size === 0) {
      // Mostly the whole value: one copy of just its size.
      this.#bytes = new Uint8Array(more);
      return;
    }
    if (this.#bytes.length < size) {
      const larger = new Uint8Array(MAX_SPAN_BYTES);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(more, this.#size);
  }

  end(bytes: Uint8Array, to: number): void {
    this.append(bytes, to);
    this.active = false;
  }

  /** The value's bytes, now the caller's; undefined if it was too long. */
  take(): Uint8Array | undefined {
    if (this.#size > MAX_SPAN_BYTES) return undefined;
    const bytes = this.#bytes.subarray(0, this.#size);
    this.#bytes = NO_BYTES;
    return bytes;
  }
}
