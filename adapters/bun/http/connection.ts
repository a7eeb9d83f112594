/** One connection to a provider: a request at a time, written as fast as it is taken, read as fast as it is wanted. */
import type { HeaderList, UpstreamRequest, UpstreamResponse } from "../../../src/gateway/ports.ts";
import { formatRequestHead } from "./request-head.ts";
import { type ResponseHead, ResponseParser } from "./response-parser.ts";
import { type BunSocket, openSocket, type SocketUser } from "./sockets.ts";

export interface ConnectionOptions {
  /** `host:port`. */
  readonly authority: string;
  readonly tls: boolean;
  readonly connectTimeoutMs: number;
  /** It is idle, and may carry another request. `closesAfterMs` is what the peer said, if it did. */
  readonly onIdle: (connection: Connection, closesAfterMs: number | undefined) => void;
  readonly onClose: (connection: Connection) => void;
}

export class Connection implements SocketUser {
  readonly #options: ConnectionOptions;
  readonly #opened = Promise.withResolvers<void>();
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  #socket: BunSocket | undefined;
  #closed = false;
  #exchange: ClientExchange | undefined;
  #drained: (() => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#connectTimer = setTimeout(
      () => this.onConnectError(new Error("no connection in time")),
      options.connectTimeoutMs,
    );
    openSocket(options.authority, options.tls, this);
  }

  /** Rejects when no connection could be made: nothing was sent. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Sends a request over an open connection. Rejects when no response head came. */
  send(request: UpstreamRequest): Promise<UpstreamResponse> {
    this.#exchange = new ClientExchange(this, request, (keepAlive, closesAfterMs) => {
      this.#exchange = undefined;
      if (keepAlive) this.#options.onIdle(this, closesAfterMs);
      else this.close();
    });
    return this.#exchange.start();
  }

  /** Undefined: all of it was taken. Rejects when the connection closes first. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (!this.#socket || this.#closed) return Promise.reject(new Error("the connection is closed"));
    const taken = this.#socket.write(bytes);
    return taken === bytes.length ? undefined : this.#writeRest(bytes, Math.max(0, taken));
  }

  async #writeRest(bytes: Uint8Array, from: number): Promise<void> {
    for (let at = from; at < bytes.length; ) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
      if (!this.#socket || this.#closed) throw new Error("the connection is closed");
      at += Math.max(0, this.#socket.write(bytes.subarray(at)));
    }
  }

  pause(): void {
    if (!this.#closed) this.#socket?.pause();
  }

  resume(): void {
    if (!this.#closed) this.#socket?.resume();
  }

  /** Ends it now, whatever it carries. */
  close(): void {
    this.#socket?.terminate();
    this.onClose();
  }

  onOpen(socket: BunSocket): void {
    clearTimeout(this.#connectTimer);
    if (this.#closed) return socket.terminate();
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#opened.resolve();
  }

  onConnectError(error: Error): void {
    clearTimeout(this.#connectTimer);
    this.#closed = true;
    this.#opened.reject(error);
  }

  onData(bytes: Uint8Array): void {
    // An idle peer has nothing to say.
    if (this.#exchange) this.#exchange.onData(bytes);
    else this.close();
  }

  onDrain(): void {
    this.#drained?.();
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket?.terminate();
    this.#drained?.();
    this.#exchange?.onClose();
    this.#options.onClose(this);
  }
}

type OnDone = (keepAlive: boolean, closesAfterMs: number | undefined) => void;

/** One request and its response. */
class ClientExchange {
  readonly #connection: Connection;
  readonly #request: UpstreamRequest;
  readonly #onDone: OnDone;
  readonly #parser: ResponseParser;
  readonly #head = Promise.withResolvers<UpstreamResponse>();
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  #upload: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #uploaded = false;
  #paused = false;
  /** The body was cut while the reader had not taken all that came before. */
  #cut: Error | undefined;
  #closesAfterMs: number | undefined;
  #done = false;

  constructor(connection: Connection, request: UpstreamRequest, onDone: OnDone) {
    this.#connection = connection;
    this.#request = request;
    this.#onDone = onDone;
    this.#parser = new ResponseParser(request.method, {
      onHead: (head, hasBody) => this.#onHead(head, hasBody),
      onData: (bytes) => this.#onBody(bytes),
      onEnd: (keepAlive) => this.#onEnd(keepAlive),
    });
  }

  start(): Promise<UpstreamResponse> {
    const { signal } = this.#request;
    if (signal.aborted) this.#fail(new Error("the request was given up"));
    else {
      signal.addEventListener("abort", this.#abort, { once: true });
      this.#write().catch((error: Error) => this.#fail(error));
    }
    return this.#head.promise;
  }

  readonly #abort = (): void => this.#fail(new Error("the request was given up"));

  async #write(): Promise<void> {
    const { method, path, headers, body, authority, tls } = this.#request;
    const host = authority.replace(tls ? /:443$/ : /:80$/, "");
    const isStream = body instanceof ReadableStream;
    const chunked = isStream && !isLengthDeclared(headers);
    const head = Buffer.from(formatRequestHead({ method, path, host }, headers, chunked), "latin1");
    if (isStream) {
      await this.#connection.write(head);
      await this.#writeStream(body.getReader(), chunked);
    } else await this.#connection.write(body ? Buffer.concat([head, body]) : head);
    this.#uploaded = true;
  }

  async #writeStream(reader: ReadableStreamDefaultReader<Uint8Array>, chunked: boolean): Promise<void> {
    this.#upload = reader;
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#done) return;
      if (done) break;
      if (value.length === 0) continue;
      const waits = this.#connection.write(chunked ? asChunk(value) : value);
      if (waits) await waits;
    }
    if (chunked) await this.#connection.write(Buffer.from("0\r\n\r\n"));
  }

  onData(bytes: Uint8Array): void {
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.#fail(error as Error); // a ProtocolError
    }
  }

  onClose(): void {
    if (!this.#done && !this.#parser.close()) this.#fail(new Error("the provider closed the connection"));
  }

  #onHead({ status, statusText, headers }: ResponseHead, hasBody: boolean): void {
    this.#closesAfterMs = closesAfterMs(headers);
    const body = hasBody
      ? new ReadableStream<Uint8Array>({
          start: (controller) => {
            this.#body = controller;
          },
          pull: () => this.#onPull(),
          cancel: () => this.#abort(),
        })
      : null;
    this.#head.resolve({ status, statusText, headers, body });
  }

  #onBody(bytes: Uint8Array): void {
    this.#body!.enqueue(bytes);
    if ((this.#body!.desiredSize ?? 0) > 0) return;
    this.#paused = true;
    this.#connection.pause();
  }

  #onPull(): void {
    if (this.#cut) return this.#body!.error(this.#cut);
    if (!this.#paused) return;
    this.#paused = false;
    this.#connection.resume();
  }

  #onEnd(keepAlive: boolean): void {
    this.#body?.close();
    // A provider that answers before it has read the request is not asked anything else on this connection.
    this.#finish(keepAlive && this.#uploaded);
  }

  /** There is no (more) response. */
  #fail(error: Error): void {
    if (this.#done) return;
    this.#head.reject(error);
    if (this.#body && (this.#body.desiredSize ?? 0) <= 0) this.#cut = error;
    else this.#body?.error(error);
    this.#finish(false);
  }

  #finish(keepAlive: boolean): void {
    this.#done = true;
    this.#request.signal.removeEventListener("abort", this.#abort);
    if (!this.#uploaded) void this.#upload?.cancel().catch(() => {});
    if (this.#paused) this.#connection.resume();
    this.#onDone(keepAlive, this.#closesAfterMs);
  }
}

function isLengthDeclared(headers: HeaderList): boolean {
  return headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === "content-length");
}

function asChunk(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** `keep-alive: timeout=5`: after so many seconds without a request the peer closes. */
function closesAfterMs(headers: readonly string[]): number | undefined {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === "keep-alive");
  const seconds = at === -1 ? undefined : /\btimeout=(\d{1,6})\b/i.exec(headers[at + 1]!)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
