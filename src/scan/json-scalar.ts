/** Reads a number or literal as it streams, and keeps its text where that is wanted. */
import { QUOTE } from "./json-bytes.ts";

const MAX_SCALAR_BYTES = 40;
/** Bytes that end a number or literal: blanks and controls, and `,":[]{}`. */
const SCALAR_ENDS = new Uint8Array(256);
SCALAR_ENDS.fill(1, 0, 0x21);
for (const byte of [0x2c, QUOTE, 0x3a, 0x5b, 0x5d, 0x7b, 0x7d]) SCALAR_ENDS[byte] = 1;

export class ScalarReader {
  #isWanted = false;
  #text = "";
  #size = 0;

  begin(isWanted: boolean): void {
    this.#isWanted = isWanted;
    this.#text = "";
    this.#size = 0;
  }

  /** Returns the index of the byte that ends it, or `to`. */
  push(bytes: Uint8Array, from: number, to: number): number {
    let i = from;
    while (i < to && SCALAR_ENDS[bytes[i]!] === 0) i++;
    this.#size += i - from;
    if (this.#isWanted && this.#size <= MAX_SCALAR_BYTES) {
      for (let j = from; j < i; j++) this.#text += String.fromCharCode(bytes[j]!);
    }
    return i;
  }

  /** Undefined if it was over 40 bytes. */
  get text(): string | undefined {
    return this.#size > MAX_SCALAR_BYTES ? undefined : this.#text;
  }
}
