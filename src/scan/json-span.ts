/** Keeps the raw bytes of one value as it streams, up to a limit. */

const MAX_SPAN_BYTES = 2048;
/** Room for most usage objects; taken when one begins, for most machines never see any. */
const FIRST_BYTES = 512;

export class SpanCapture {
  /** The value has begun and not ended. */
  active = false;
  #bytes = new Uint8Array(0);
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
    if (size <= MAX_SPAN_BYTES) {
      if (size > this.#bytes.length) this.#grow(size);
      this.#bytes.set(bytes.subarray(this.#from, to), this.#size);
    }
    // Past the limit only the size goes on, and says that the span is of no use.
    this.#size = size;
  }

  #grow(size: number): void {
    const larger = new Uint8Array(size <= FIRST_BYTES ? FIRST_BYTES : MAX_SPAN_BYTES);
    larger.set(this.#bytes);
    this.#bytes = larger;
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
