/** Tells base64 payloads by the first bytes of a string: a data URI, or the value of a member `data`. */

/** `data:`, whose first four bytes are `data`. */
const DATA_URI = [0x64, 0x61, 0x74, 0x61, 0x3a] as const;

/** First decoded bytes of a string that the two questions below need. */
export const DATA_PREFIX_BYTES = DATA_URI.length;

/** Whether the string of `size` bytes that begins at `bytes[at]` begins with `data:`. */
export function isDataUri(bytes: Uint8Array, at: number, size: number): boolean {
  return size >= DATA_URI.length && agree(bytes, at, DATA_URI.length);
}

/** Whether it is `data`. */
export function isDataName(bytes: Uint8Array, at: number, size: number): boolean {
  return size === DATA_URI.length - 1 && agree(bytes, at, size);
}

function agree(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== DATA_URI[i]) return false;
  return true;
}
