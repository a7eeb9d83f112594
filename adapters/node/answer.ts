/** The answer to a client of node:http: the provider's, a refusal, or one that breaks off. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorResponse } from "../../src/gateway/errors.ts";
import type { AnswerHead } from "../../src/gateway/exchange.ts";
import type { Answer } from "../server/relay.ts";
import { type BodyWriter, createBodyWriter } from "./body-writer.ts";

/** What is written in the tick of one read goes out in one write, the head with what comes along with it. */
export class NodeAnswer implements Answer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #onDrain: () => void;
  #body: BodyWriter | undefined;
  /** Written, not sent. */
  #waiting: Uint8Array | undefined;
  #isHeadSent = false;
  /** The client knows how much is to come: chunked, or by its length. */
  #isFramed = false;

  /** `onDrain` is called after a `flush` that left something waiting. */
  constructor(request: IncomingMessage, response: ServerResponse, onDrain: () => void) {
    this.#request = request;
    this.#response = response;
    this.#onDrain = onDrain;
  }

  begin(status: number, statusText: string, { headers, length }: AnswerHead): number {
    const response = this.#response;
    response.writeHead(status, statusText, headers);
    this.#isFramed = response.chunkedEncoding || length !== undefined;
    this.#body = createBodyWriter(response);
    return 0;
  }

  write(bytes: Uint8Array): void {
    if (this.#waiting) this.#send();
    this.#waiting = bytes;
  }

  flush(): number {
    const response = this.#response;
    this.#send();
    if (!response.writableNeedDrain) return 0;
    response.once("drain", this.#onDrain);
    return response.writableLength;
  }

  end(): void {
    // The head's own write: with the end in it, node:http would add an empty one.
    if (!this.#isHeadSent && this.#waiting) this.#send();
    this.#corked(() => this.#body!.end(this.#waiting));
    // A provider may answer before the upload is through; the rest of it must not hold the connection.
    if (!this.#request.complete) discard(this.#request);
  }

  #send(): void {
    const bytes = this.#waiting;
    this.#waiting = undefined;
    const withHead = !this.#isHeadSent;
    this.#isHeadSent = true;
    if (bytes) this.#corked(() => this.#body!.write(bytes, withHead));
    else if (withHead) this.#response.flushHeaders();
  }

  /** node:http would keep what is written outside of it until the next tick. */
  #corked(write: () => void): void {
    const { socket } = this.#response;
    socket?.cork();
    write();
    socket?.uncork();
  }

  refuse(refusal: ErrorResponse): void {
    writeError(this.#request, this.#response, refusal);
  }

  breakOff(): void {
    this.#send();
    breakOff(this.#response, this.#isFramed);
  }

  abandon(): void {
    this.#waiting = undefined;
  }
}

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
function discard(request: IncomingMessage): void {
  request.removeAllListeners("data").resume();
  const linger = setTimeout(() => request.destroy(), LINGER_MS);
  request.once("close", () => clearTimeout(linger));
}

/**
 * What was written goes out, and then the connection ends without the body's own end, so that no client takes it for whole.
 * `isFramed`: the client knows how much was to come (chunked, or a length); else only a reset tells it.
 */
function breakOff(response: ServerResponse, isFramed: boolean): void {
  const { socket } = response;
  if (!socket) return void response.destroy();
  while (socket.writableCorked > 0) socket.uncork();
  if (isFramed) socket.destroySoon();
  else socket.resetAndDestroy();
}
