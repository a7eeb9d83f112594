/** Escapes in JSON strings, as they stand. */
import { BACKSLASH, hexDigit } from "./json-bytes.ts";

/** The longest escape, a pair of surrogates. */
export const MAX_ESCAPE_BYTES = 12;

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
