/** Keeps the raw bytes of one value as it streams, up to a limit. */
import { decodeUtf8 } from "./plain-text.ts";

const MAX_SPAN_BYTES = 2048;
const NO_BYTES = new Uint8Array(0);

export class SpanCapture {
  /** The last value that ended; undefined if it was too long, or not UTF-8. */
  text: string | undefined;
  /** The value has begun and not ended. */
  active = false;
  /** Of a value that is cut by chunks; room is taken at the first one. */
  #bytes = NO_BYTES;
  #size = 0;
  /** Where in the chunk in hand the bytes begin that were not taken yet. */
  #from = 0;

  /** Another document. */
  reset(): void {
    this.text = undefined;
    this.active = false;
  }

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
    if (size <= MAX_SPAN_BYTES && to > this.#from) this.#keep(bytes.subarray(this.#from, to));
    // Past the limit only the size goes on, and says that the span is of no use.
    this.#size = size;
  }

  #keep(more: Uint8Array): void {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(MAX_SPAN_BYTES);
    this.#bytes.set(more, this.#size);
  }

  /** Mostly the whole value stands in one chunk, and is decoded from there: a copy costs more. */
  end(bytes: Uint8Array, to: number): void {
    this.active = false;
    const isWhole = this.#size === 0 && to - this.#from <= MAX_SPAN_BYTES;
    if (!isWhole) this.append(bytes, to);
    if (this.#size > MAX_SPAN_BYTES) this.text = undefined;
    else
      this.text = decodeUtf8(isWhole ? bytes.subarray(this.#from, to) : this.#bytes.subarray(0, this.#size));
  }
}
