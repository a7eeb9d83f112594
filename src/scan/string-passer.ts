/** Passes strings where they stand, without copying any of their bytes: nearly all are whole in a chunk, and most text is in few. */
import { type ChunkWords, findEither } from "./byte-search.ts";
import { BACKSLASH, hexDigit, QUOTE } from "./json-string.ts";

export class StringPasser {
  /** Decoded UTF-8 bytes of what was passed. */
  size = 0;
  /** Where passing ended: at the closing quote, at the end of the chunk, or at an escape that it leaves alone. */
  reached = 0;
  /** Bytes before its first escape, or its size if it has none: these stand as they are between its quotes. */
  plain = 0;

  /**
   * Returns the index of the closing quote, or -1 where `StringDecoder` must go on: with a string that is not whole in
   * `[from, to)`, and with an escape that is cut, no Unicode text or no JSON.
   * @param from just past the opening quote
   */
  pass(words: ChunkWords, from: number, to: number): number {
    const { bytes } = words;
    let i = findEither(words, from, to, QUOTE, BACKSLASH);
    this.plain = i - from;
    let shrunk = 0;
    while (i < to && bytes[i] !== QUOTE) {
      const raw = escapeLength(bytes, i, to);
      if (raw === 0) break;
      shrunk += raw - escapedSize(bytes, i, raw);
      i = findEither(words, i + raw, to, QUOTE, BACKSLASH);
    }
    this.size = i - from - shrunk;
    this.reached = i;
    return i < to && bytes[i] === QUOTE ? i : -1;
  }
}

/** Bytes of the escape at `i`: 2, 6, or 12 for a pair of surrogates; 0 if it is none of these. */
export function escapeLength(bytes: Uint8Array, i: number, to: number): number {
  if (i + 1 >= to || bytes[i + 1]! >= 0x80) return 0;
  if (bytes[i + 1] !== 0x75) return 2;
  const unit = unitAt(bytes, i, to);
  if (unit < 0xd800 || unit > 0xdfff) return unit < 0 ? 0 : 6;
  const low = unitAt(bytes, i + 6, to);
  return unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

/** UTF-8 bytes that an escape of `length` bytes at `i` stands for: of `\uXXXX` the first three digits tell. */
export function escapedSize(bytes: Uint8Array, i: number, length: number): number {
  if (length !== 6) return length === 2 ? 1 : 4;
  if (bytes[i + 2] !== 0x30 || bytes[i + 3]! > 0x37) return 3;
  return bytes[i + 3] === 0x30 && bytes[i + 4]! < 0x38 ? 1 : 2;
}

/** The UTF-16 unit that `\uXXXX` at `i` stands for; -1 if it does not stand there. */
function unitAt(bytes: Uint8Array, i: number, to: number): number {
  if (i + 6 > to || bytes[i] !== BACKSLASH || bytes[i + 1] !== 0x75) return -1;
  let unit = 0;
  for (let j = i + 2; j < i + 6; j++) {
    const digit = hexDigit(bytes[j]!);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}
