/** Longer ones are no length of anything, and would not fit a number exactly. */
const MAX_DIGITS = 15;
const ZERO = 0x30;
const NINE = 0x39;

/** The value of a `content-length` in bytes; undefined for anything but digits (RFC 9110 §8.6), a list of lengths included. */
export function readContentLength(value: string): number | undefined {
  if (value.length === 0 || value.length > MAX_DIGITS) return undefined;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i);
    if (digit < ZERO || digit > NINE) return undefined;
    length = length * 10 + digit - ZERO;
  }
  return length;
}
