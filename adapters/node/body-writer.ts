/** Writes response bodies in fewer pieces than node:http does: what costs in a stream of small events is the pieces. */
import type { ServerResponse } from "node:http";

/** Chunks up to this are copied into text; a larger one goes out as it is: copying it would cost more than the pieces. */
export const MAX_TEXT_BYTES = 8192;

export interface BodyWriter {
  write(bytes: Uint8Array): void;
  end(): void;
}

/**
 * `response` has its head written, not sent. node:http writes a chunk of a chunked body as four pieces; here a small one is
 * framed (RFC 9112 §7.1) into one latin1 text, which also goes out in one piece with a head that waits.
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
  if (bytes.length > MAX_TEXT_BYTES) response.write(bytes);
  else response.write(latin1(bytes), "latin1");
}

function writeFramed(response: ServerResponse, bytes: Uint8Array): void {
  const { length } = bytes;
  // A chunk of no bytes would end the body.
  if (length === 0) return;
  const head = `${length.toString(16)}\r\n`;
  if (length <= MAX_TEXT_BYTES) return void response.write(`${head}${latin1(bytes)}\r\n`, "latin1");
  response.write(head, "latin1");
  response.write(bytes);
  response.write("\r\n", "latin1");
}

const latin1 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString("latin1");
