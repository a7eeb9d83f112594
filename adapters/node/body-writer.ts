/** Writes response bodies in fewer pieces than node:http does: what costs in a stream of small events is the pieces. */
import type { ServerResponse } from "node:http";

/** Chunks up to this are copied into one piece with their framing; a larger one goes out as it is: copying it would cost more. */
export const MAX_COPIED_BYTES = 8192;

export interface BodyWriter {
  write(bytes: Uint8Array): void;
  end(): void;
}

/**
 * `response` has its head written, not sent. node:http writes a chunk of a chunked body as four pieces; here a small one is
 * framed (RFC 9112 §7.1) into one, as text where the response's head waits to go out with it.
 */
export function createBodyWriter(response: ServerResponse): BodyWriter {
  if (!response.chunkedEncoding)
    return { write: (bytes) => writePlain(response, bytes), end: () => response.end() };
  // The head says that the body is chunked; from here on the framing is ours.
  response.chunkedEncoding = false;
  return {
    write: (bytes) => writeFramed(response, bytes),
    end: () => response.end("0\r\n\r\n", "latin1"),
  };
}

function writePlain(response: ServerResponse, bytes: Uint8Array): void {
  if (bytes.length > MAX_COPIED_BYTES) response.write(bytes);
  else response.write(latin1(bytes), "latin1");
}

function writeFramed(response: ServerResponse, bytes: Uint8Array): void {
  const { length } = bytes;
  // A chunk of no bytes would end the body.
  if (length === 0) return;
  const head = `${length.toString(16)}\r\n`;
  if (length > MAX_COPIED_BYTES) {
    response.write(head, "latin1");
    response.write(bytes);
    response.write("\r\n", "latin1");
    return;
  }
  // The response's own head waits, and is text.
  if (response.socket?.writableCorked) response.write(`${head}${latin1(bytes)}\r\n`, "latin1");
  else response.write(framed(head, bytes));
}

/** In one piece: as text it would cost a tenth more, mostly garbage. */
function framed(head: string, bytes: Uint8Array): Buffer {
  const chunk = Buffer.allocUnsafe(head.length + bytes.length + 2);
  chunk.write(head, "latin1");
  chunk.set(bytes, head.length);
  chunk.write("\r\n", head.length + bytes.length, "latin1");
  return chunk;
}

const latin1 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString("latin1");
