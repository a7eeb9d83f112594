/** How a node:http response ends when it is not the provider's: with a refusal, or broken off. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorResponse } from "../../src/gateway/errors.ts";

/** How long the rest of a refused upload is read and dropped, so that the client gets to read its answer. */
const LINGER_MS = 5_000;

/** Answers with a refusal, or breaks off what has begun. */
export function writeError(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: ErrorResponse,
): void {
  if (response.headersSent || response.destroyed) return breakOff(response, true);
  const list = [...headers, "content-length", String(Buffer.byteLength(body))];
  if (!request.complete && hasBody(request)) {
    list.push("connection", "close");
    discard(request);
  }
  response.writeHead(status, list).end(request.method === "HEAD" ? undefined : body);
}

/** node:http calls a request without a body complete only after it was handled: its connection can serve the next one. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

/** Reads and drops the rest of an upload that nobody wants any more. */
export function discard(request: IncomingMessage): void {
  request.removeAllListeners("data").resume();
  const linger = setTimeout(() => request.destroy(), LINGER_MS);
  request.once("close", () => clearTimeout(linger));
}

/**
 * What was written goes out, and then the connection ends without the body's own end, so that no client takes it for whole.
 * `isFramed`: the client knows how much was to come (chunked, or a length); else only a reset tells it.
 */
export function breakOff(response: ServerResponse, isFramed: boolean): void {
  const { socket } = response;
  if (!socket) return void response.destroy();
  while (socket.writableCorked > 0) socket.uncork();
  if (isFramed) socket.destroySoon();
  else socket.resetAndDestroy();
}
