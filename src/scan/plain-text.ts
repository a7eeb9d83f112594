/** Turns captured bytes into names that are fit for a row or a log line, or refuses them. */

/** C1 included. */
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text, or undefined if it is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A model name as a wire may carry it: UTF-8 without control characters. */
export function decodeName(bytes: Uint8Array): string | undefined {
  const text = decodeUtf8(bytes);
  return text === undefined || CONTROL_CHARACTERS.test(text) ? undefined : text;
}

/** An id or tier that is short and plain: 1 to 128 characters of printable ASCII without blanks. */
export function decodePlain(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > 128) return undefined;
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! <= 0x20 || bytes[i]! >= 0x7f) return undefined;
  return decoder.decode(bytes);
}

/** Whether `bytes[from, to)` are `text`, in ASCII: tells without decoding that nothing changed. */
export function isSpelled(text: string | undefined, bytes: Uint8Array, from: number, to: number): boolean {
  if (text === undefined || text.length !== to - from) return false;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80 || byte !== text.charCodeAt(i - from)) return false;
  }
  return true;
}
