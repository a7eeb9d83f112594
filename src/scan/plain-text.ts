/** Turns captured bytes into names that are fit for a row or a log line, or refuses them. */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text, or undefined if it is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A model name as a wire may carry it: UTF-8 without control characters, C1 included. */
export function decodeName(bytes: Uint8Array): string | undefined {
  const text = decodeUtf8(bytes);
  return text === undefined || /[\u0000-\u001f\u007f-\u009f]/.test(text) ? undefined : text;
}

/** An id or tier that is short and plain: 1 to 128 characters of printable ASCII without blanks. */
export function decodePlain(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > 128) return undefined;
  for (const byte of bytes) if (byte <= 0x20 || byte >= 0x7f) return undefined;
  return String.fromCharCode(...bytes);
}
