/** Base64url without padding, canonical only: one text for every byte string, so a token cannot be respelled. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Value of each ASCII code, 255 where it is no digit of the alphabet. */
const VALUES = new Uint8Array(128).fill(255);
for (let i = 0; i < 64; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

const valueAt = (text: string, index: number): number => {
  const code = text.charCodeAt(index);
  return code < 128 ? VALUES[code]! : 255;
};

/** RFC 4648 §5 without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET[group >> 18]! + ALPHABET[(group >> 12) & 63]!;
    if (left > 1) text += ALPHABET[(group >> 6) & 63]!;
    if (left > 2) text += ALPHABET[group & 63]!;
  }
  return text;
}

/**
 * Decodes `text[start, end)`. `undefined` for padding, another alphabet, a length that no byte string has, or stray bits
 * in the last digit (RFC 4648 §3.5 leaves those to the decoder: we refuse them).
 */
export function decodeBase64Url(text: string, start = 0, end = text.length): Uint8Array | undefined {
  const digits = end - start;
  if (digits % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((digits * 3) / 4));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let i = start; i < end; i++) {
    const value = valueAt(text, i);
    if (value === 255) return undefined;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
    }
  }
  return (held & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

/** For keys that people paste: base64 or base64url (not both in one text), padding optional but right, else `undefined`. */
export function decodeBase64Any(text: string): Uint8Array | undefined {
  if (/[-_]/.test(text) && /[+/]/.test(text)) return undefined;
  const bare = text.replace(/={1,2}$/, "");
  if (bare.length !== text.length && text.length % 4 !== 0) return undefined;
  return decodeBase64Url(bare.replaceAll("+", "-").replaceAll("/", "_"));
}
