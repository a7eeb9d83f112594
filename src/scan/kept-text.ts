/** A text of which each is soon followed by another: its bytes are kept, and decoded only when it is asked for. */
import { decodeUtf8 } from "./plain-text.ts";

const FIRST_BYTES = 512;

export class KeptText {
  #text: string | undefined;
  #bytes = new Uint8Array(0);
  /** Of the bytes that are kept; -1: `#text` is the text. */
  #size = -1;

  /** Undefined if there is none, or its bytes are not UTF-8. */
  get text(): string | undefined {
    return this.#size < 0 ? this.#text : decodeUtf8(this.#bytes.subarray(0, this.#size));
  }

  set(text: string | undefined): void {
    this.#text = text;
    this.#size = -1;
  }

  /** Copies `bytes[from, to)`. */
  keep(bytes: Uint8Array, from: number, to: number): void {
    this.#size = to - from;
    if (this.#bytes.length < this.#size) this.#bytes = new Uint8Array(Math.max(this.#size, FIRST_BYTES));
    this.#bytes.set(bytes.subarray(from, to));
  }
}
