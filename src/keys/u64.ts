/** u64 as canonical decimal text, exact and without BigInt: ids pass here on every request. */

const TWO_32 = 4_294_967_296;

/**
 * Canonical decimal u64 (no sign, no leading zero, at most 18446744073709551615) → `out[0]` high, `out[1]` low word.
 * False for any other text, and `out` is then undefined in content. Allocates nothing.
 */
export function parseU64(text: string, out: Uint32Array): boolean {
  const length = text.length;
  if (length === 0 || length > 20 || (length > 1 && text.charCodeAt(0) === 0x30)) return false;
  // Nine digits fit a small integer, and 32 bits only their three together: one division for all of them, not one a digit.
  const top = parseDigits(text, length - 20, length - 18);
  const middle = parseDigits(text, length - 18, length - 9);
  const last = parseDigits(text, length - 9, length);
  if (top < 0 || middle < 0 || last < 0) return false;
  // (top * 1e9 + middle) * 1e9 + last, its lowest 16 bits apart: every intermediate stays below 2^53.
  const upper = top * 1e9 + middle;
  const upperHigh = Math.floor(upper / 65_536);
  const lower = (upper - upperHigh * 65_536) * 1e9 + last;
  const lowerHigh = Math.floor(lower / 65_536);
  const rest = upperHigh * 1e9 + lowerHigh;
  const high = Math.floor(rest / 65_536);
  if (high >= TWO_32) return false;
  out[0] = high;
  out[1] = (rest - high * 65_536) * 65_536 + (lower - lowerHigh * 65_536);
  return true;
}

/** At most nine digits as a number, from the first that there is; -1 if one of them is none. */
function parseDigits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = Math.max(0, from); i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Is this text a canonical decimal u64? For input from people: options, config. */
export function isU64(text: string): boolean {
  return parseU64(text, new Uint32Array(2));
}

/** The two words as decimal text. */
export function formatU64(high: number, low: number): string {
  if (high < 0x20_0000) return String(high * TWO_32 + low);
  // Long division by 10^9 in 16-bit limbs: every intermediate stays below 2^53, and the quotient below 1.9e10.
  let quotient = 0;
  let rest = 0;
  for (const limb of [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff]) {
    rest = rest * 65_536 + limb;
    const part = Math.floor(rest / 1e9);
    rest -= part * 1e9;
    quotient = quotient * 65_536 + part;
  }
  return String(quotient) + String(rest).padStart(9, "0");
}

/** Eight little-endian bytes from `offset`, as decimal text. */
export function readU64(bytes: Uint8Array, offset: number): string {
  return formatU64(wordAt(bytes, offset + 4), wordAt(bytes, offset));
}

/** Decimal text as eight little-endian bytes at `offset`; false (nothing written) unless it is a canonical u64. */
export function writeU64(text: string, bytes: Uint8Array, offset: number): boolean {
  const words = new Uint32Array(2);
  if (!parseU64(text, words)) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(offset, words[1]!, true);
  view.setUint32(offset + 4, words[0]!, true);
  return true;
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
