/** Reads a number or literal as it streams, and keeps its text where that is wanted. */
import { QUOTE } from "./json-bytes.ts";
import type { JsonScalar } from "./json-handler.ts";

/** Digits of which any number is a safe integer. */
export const MAX_PLAIN_DIGITS = 15;

const MAX_SCALAR_BYTES = 40;
/** Bytes that end a number or literal: blanks and controls, and `,":[]{}`. */
const SCALAR_ENDS = new Uint8Array(256);
SCALAR_ENDS.fill(1, 0, 0x21);
for (const byte of [0x2c, QUOTE, 0x3a, 0x5b, 0x5d, 0x7b, 0x7d]) SCALAR_ENDS[byte] = 1;

export class ScalarReader implements JsonScalar {
  #isWanted = false;
  readonly #kept = new Uint8Array(MAX_SCALAR_BYTES);
  #size = 0;

  begin(isWanted: boolean): void {
    this.#isWanted = isWanted;
    this.#size = 0;
  }

  /** Returns the index of the byte that ends it, or `to`. */
  push(bytes: Uint8Array, from: number, to: number): number {
    let i = from;
    while (i < to && SCALAR_ENDS[bytes[i]!] === 0) i++;
    const size = this.#size + i - from;
    if (this.#isWanted && size <= MAX_SCALAR_BYTES) {
      for (let j = from; j < i; j++) this.#kept[this.#size++] = bytes[j]!;
    }
    this.#size = size;
    return i;
  }

  get text(): string | undefined {
    return this.#size > MAX_SCALAR_BYTES
      ? undefined
      : String.fromCharCode(...this.#kept.subarray(0, this.#size));
  }

  get count(): number {
    const size = this.#size;
    if (size === 0 || size > MAX_PLAIN_DIGITS || (size > 1 && this.#kept[0] === 0x30)) return -1;
    let count = 0;
    for (let i = 0; i < size; i++) {
      const digit = this.#kept[i]! - 0x30;
      if (digit < 0 || digit > 9) return -1;
      count = count * 10 + digit;
    }
    return count;
  }
}
