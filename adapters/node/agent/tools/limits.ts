/** How much of anything a model is shown. */

export const maxOutputLines = 2_000;
export const maxOutputBytes = 50 * 1024;

/** The longest prefix of at most `maxBytes` UTF-8 bytes that ends between two characters. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text);
  return bytes.length <= maxBytes ? text : decodePrefix(bytes, maxBytes);
}

/** Decodes the first bytes; a character that the cut goes through is left out. */
export function decodePrefix(bytes: Uint8Array, maxBytes: number): string {
  return new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true });
}

/** Joins lines until a limit is reached. `shown` counts those that fitted. */
export function fitLines(lines: readonly string[]): { text: string; shown: number } {
  let bytes = 0;
  let shown = 0;
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (shown === maxOutputLines || bytes > maxOutputBytes) break;
    shown++;
  }
  return { text: lines.slice(0, shown).join("\n"), shown };
}
