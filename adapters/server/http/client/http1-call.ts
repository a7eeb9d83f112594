/** A call over a connection of its own for as long as it lasts. */
import { type HeaderList, UpstreamError } from "../../../../src/gateway/ports.ts";
import { frameChunk } from "../chunked-body.ts";
import { ProtocolError } from "../message-head.ts";
import type { CarriedCall, Connection } from "./connection.ts";
import type { Call, CallEvents, CallRequest, ResponseHead } from "./http-client.ts";
import { formatRequestHead } from "./request-head.ts";
import { type ResponseEvents, ResponseParser } from "./response-parser.ts";

/** Gets a connection back that may carry another request. `closesAfterMs` is what the peer said, if it did. */
type OnFree = (connection: Connection, closesAfterMs: number | undefined) => void;

export class Http1Call implements Call, CarriedCall, ResponseEvents {
  readonly request: CallRequest;
  readonly #events: CallEvents;
  readonly #onFree: OnFree;
  readonly #parser: ResponseParser;
  #connection: Connection | undefined;
  #isChunked = false;
  /** The head, until it is written. */
  #head = "";
  /** Nothing more will be written. */
  #isWritten = false;
  #isSent = false;
  #isOver = false;

  constructor(request: CallRequest, events: CallEvents, onFree: OnFree) {
    this.request = request;
    this.#events = events;
    this.#onFree = onFree;
    this.#parser = new ResponseParser(request.method, this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Connected. */
  start(connection: Connection): void {
    if (this.#isOver) return this.#onFree(connection, undefined);
    this.#connection = connection;
    connection.carried = this;
    const { body, method, path, headers } = this.request;
    this.#isChunked = body === "streamed" && !isLengthDeclared(headers);
    try {
      this.#head = formatRequestHead({ method, path, host: connection.host }, headers, this.#isChunked);
    } catch (error) {
      return this.fail(error as Error);
    }
    if (body !== "streamed") this.end(body ? [body] : []);
    this.#events.onStart(this);
  }

  write(pieces: readonly Uint8Array[]): boolean {
    return this.#isOver || this.#send(pieces);
  }

  end(pieces: readonly Uint8Array[]): boolean {
    if (this.#isOver) return true;
    this.#isWritten = true;
    const isTaken = this.#send(pieces);
    if (isTaken) this.#written();
    return isTaken;
  }

  #send(pieces: readonly Uint8Array[]): boolean {
    const parts = [...pieces];
    const text = this.#head + (this.#isChunked ? frameChunk(parts, this.#isWritten) : "");
    this.#head = "";
    return (text === "" && parts.length === 0) || this.#connection!.write(text, parts);
  }

  /** Everything so far was taken. */
  #written(): void {
    if (!this.#isWritten || this.#isSent) return;
    this.#isSent = true;
    this.#events.onSent();
  }

  pause(): void {
    if (!this.#isOver) this.#connection?.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#connection?.resume();
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave()?.close();
  }

  /** There is no (more) response. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.abort();
    this.#events.onFailed(error);
  }

  #leave(): Connection | undefined {
    const connection = this.#connection;
    if (connection) connection.carried = undefined;
    return connection;
  }

  onBytes(bytes: Uint8Array): void {
    try {
      this.#parser.push(bytes);
      if (!this.#isOver) this.#events.onRead();
    } catch (error) {
      this.fail(
        error instanceof ProtocolError ? new UpstreamError("upstream_unreachable", error) : (error as Error),
      );
    }
  }

  onDrain(): void {
    if (this.#isWritten) this.#written();
    else this.#events.onDrain();
  }

  onClose(isClean: boolean): void {
    if (this.#isOver || (isClean && this.#parser.close())) return;
    this.fail(new UpstreamError("upstream_unreachable", new Error("the provider closed the connection")));
  }

  onHead(head: ResponseHead, hasBody: boolean): void {
    if (!this.#isOver) this.#events.onHead(head, hasBody);
  }

  onBody(bytes: Uint8Array): void {
    if (!this.#isOver) this.#events.onData(bytes);
  }

  onEnd(keepAlive: boolean, closesAfterMs: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const connection = this.#leave()!;
    // A provider that answers before it has read the request is not asked anything else on this connection.
    if (keepAlive && this.#isSent) this.#onFree(connection, closesAfterMs);
    else connection.close();
    this.#events.onEnd();
  }
}

function isLengthDeclared(headers: HeaderList): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === "content-length") return true;
  return false;
}
