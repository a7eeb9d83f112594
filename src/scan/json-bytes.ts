/** The bytes that JSON strings are made of. */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;

/** Value of a hexadecimal digit; -1 if it is none. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
