/** Writes response bodies in fewer pieces than node:http does: what costs in a stream of small events is the pieces. */
import type { ServerResponse } from "node:http";

/** Chunks up to this are copied into one piece with their framing; a larger one goes out as it is: copying it would cost more. */
const MAX_COPIED_BYTES = 8192;

const LAST_CHUNK = "0\r\n\r\n";

export interface BodyWriter {
  /** `withHead`: the response's own head, which is text, goes out with it. */
  write(bytes: Uint8Array, withHead: boolean): void;
  end(last: Uint8Array | undefined): void;
}

/**
 * `response` has its head written, not sent. node:http writes a chunk of a chunked body as four pieces; here a small one is
 * framed (RFC 9112 §7.1) into one.
 */
export function createBodyWriter(response: ServerResponse): BodyWriter {
  if (!response.chunkedEncoding) {
    const write = (bytes: Uint8Array): void => writePlain(response, bytes);
    return {
      write,
      end(last) {
        // Given to `end`, it would bring an empty write with it.
        if (last) write(last);
        response.end();
      },
    };
  }
  // The head says that the body is chunked; from here on the framing is ours.
  response.chunkedEncoding = false;
  const write = (bytes: Uint8Array, withHead: boolean, tail = ""): void => {
    // A chunk of no bytes would end the body.
    if (bytes.length > 0) writeFramed(response, bytes, withHead, `\r\n${tail}`);
    else if (tail !== "") response.write(tail, "latin1");
  };
  return {
    write,
    end(last) {
      if (last) write(last, false, LAST_CHUNK);
      else response.write(LAST_CHUNK, "latin1");
      response.end();
    },
  };
}

function writePlain(response: ServerResponse, bytes: Uint8Array): void {
  if (bytes.length > MAX_COPIED_BYTES) response.write(bytes);
  else response.write(latin1(bytes), "latin1");
}

function writeFramed(response: ServerResponse, bytes: Uint8Array, withHead: boolean, tail: string): void {
  const { length } = bytes;
  const head = `${length.toString(16)}\r\n`;
  if (length > MAX_COPIED_BYTES) {
    response.write(head, "latin1");
    response.write(bytes);
    response.write(tail, "latin1");
    return;
  }
  if (withHead) response.write(`${head}${latin1(bytes)}${tail}`, "latin1");
  else response.write(framed(head, bytes, tail));
}

/** In one piece: as text it would cost a tenth more, mostly garbage. */
function framed(head: string, bytes: Uint8Array, tail: string): Buffer {
  const chunk = Buffer.allocUnsafe(head.length + bytes.length + tail.length);
  chunk.write(head, 0, "latin1");
  chunk.set(bytes, head.length);
  chunk.write(tail, head.length + bytes.length, "latin1");
  return chunk;
}

const latin1 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString("latin1");
