/** Tells an event stream from a JSON document by the first bytes: content types are sometimes wrong, and rows are money. */

const FIELDS = ["data:", "event:", "retry:", "id:", ":"] as const;
/** First bytes, blanks aside, that always decide. */
export const MAX_HEAD_BYTES = 6;

/** Blanks and a byte order mark say nothing. */
export function isBlank(byte: number): boolean {
  return byte <= 0x20 || byte >= 0x80;
}

/**
 * @param head first bytes of the body from its first byte that is not blank
 * @param hint what the content type says
 * @returns undefined while `head` is too short to say
 */
export function sniffSse(head: Uint8Array, hint: boolean | undefined): boolean | undefined {
  if (head.length === 0) return undefined;
  const text = String.fromCharCode(...head);
  if (text.startsWith("{") || text.startsWith("[")) return false;
  if (hint === true || FIELDS.some((field) => text.startsWith(field))) return true;
  return FIELDS.some((field) => field.startsWith(text)) ? undefined : false;
}
