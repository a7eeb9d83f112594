/** Recognises the image types that every provider accepts, by their first bytes. */

export const maxImageBytes = 5 * 1024 * 1024;
/** Bytes that the longest signature needs. */
const signatureBytes = 12;

/** The media type, or undefined if it is none of them. */
export function imageType(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, signatureBytes)).toString(
    "latin1",
  );
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "image/gif";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "image/webp";
  return undefined;
}
