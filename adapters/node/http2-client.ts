/**
 * The way to the providers with `upstream_http2`: undici, which speaks HTTP/2 with servers that agree to it in the TLS handshake
 * and HTTP/1.1 with all others.
 */
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type Pool from "undici/lib/dispatcher/pool.js";
import type { Config } from "../../src/config/keys.ts";
import { CONNECT_RETRIES, UpstreamError } from "../../src/gateway/ports.ts";
import type { Call, CallEvents, CallRequest, HttpClient } from "../server/http/client/http-client.ts";

export type Http2Config = Pick<Config, "connectTimeoutSecs" | "idleTimeoutSecs">;

/** `use` gets the pool that is in use at that moment: a later one may have replaced it. */
type WithPool = (request: CallRequest, use: (pool: Dispatcher) => void) => Promise<void>;

/** The connections to one origin, and what they were made with. */
interface OriginPool {
  readonly pool: Pool;
  readonly timeouts: string;
}

/** A reload may change `config`: an origin then gets a new pool, and the old one ends with its last request. */
export function createHttp2Client(config: () => Http2Config): HttpClient {
  const pools = new Map<string, OriginPool>();

  const withPool: WithPool = async ({ authority, tls }, use) => {
    // Loaded on first use, and without undici's own entry, which also loads its fetch, caches and mocks: a fifth of a start.
    const { default: Pool } = await import("undici/lib/dispatcher/pool.js");
    const { connectTimeoutSecs, idleTimeoutSecs } = config();
    const origin = `${tls ? "https" : "http"}://${authority}`;
    const timeouts = `${connectTimeoutSecs} ${idleTimeoutSecs}`;
    let current = pools.get(origin);
    if (current?.timeouts !== timeouts) {
      void current?.pool.close();
      const pool = new Pool(origin, {
        connections: null,
        pipelining: 1,
        allowH2: true,
        connect: { timeout: connectTimeoutSecs * 1000 },
        // The relay has time-outs of its own.
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: idleTimeoutSecs * 1000,
        keepAliveMaxTimeout: idleTimeoutSecs * 1000,
      });
      current = { pool, timeouts };
      pools.set(origin, current);
    }
    use(current.pool);
  };

  return {
    call(request, events) {
      const call = new UndiciCall(request, events, withPool);
      call.dispatch();
      return call;
    },
    close() {
      for (const { pool } of pools.values()) void pool.destroy();
    },
  };
}

class UndiciCall implements Call, Dispatcher.DispatchHandler {
  readonly #request: CallRequest;
  readonly #events: CallEvents;
  readonly #withPool: WithPool;
  readonly #upload: Readable | undefined;
  #flow: Dispatcher.DispatchController | undefined;
  #retries = 0;
  #isOver = false;

  constructor(request: CallRequest, events: CallEvents, withPool: WithPool) {
    this.#request = request;
    this.#events = events;
    this.#withPool = withPool;
    if (request.body === "streamed")
      this.#upload = new Readable({ read: () => this.#onWanted() }).on("error", ignore);
  }

  dispatch(): void {
    const { method, path, headers, body } = this.#request;
    const request: Dispatcher.DispatchOptions = {
      method: method as Dispatcher.HttpMethod,
      path,
      headers: headers as string[],
      body: this.#upload ?? (body as Uint8Array | undefined) ?? null, // a streamed body is `#upload`
    };
    this.#withPool(this.#request, (pool) => !this.#isOver && pool.dispatch(request, this)).catch(
      (error: Error) => this.#fail(error),
    );
  }

  onRequestStart(flow: Dispatcher.DispatchController): void {
    this.#flow = flow;
    if (this.#isOver) flow.abort(new Error("given up"));
    else this.#events.onStart(this);
  }

  /** undici asks for more of the body. */
  #onWanted(): void {
    if (this.#flow && !this.#isOver) this.#events.onDrain();
  }

  /** Never true for data: undici takes it later, and does not say when. */
  write(pieces: readonly Uint8Array[]): boolean {
    let isTaken = true;
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      isTaken = false;
      this.#upload!.push(piece);
    }
    return isTaken;
  }

  end(pieces: readonly Uint8Array[]): boolean {
    this.write(pieces);
    this.#upload!.push(null);
    return false;
  }

  onRequestSent(): void {
    if (!this.#isOver) this.#events.onSent();
  }

  pause(): void {
    this.#flow?.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#flow?.resume();
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#flow?.abort(new Error("given up"));
    // Not ended: the provider must never see the body completed.
    this.#upload?.destroy();
  }

  onResponseStart(
    _flow: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText = "",
  ): void {
    if (status < 200 || this.#isOver) return;
    const hasBody = this.#request.method !== "HEAD" && status !== 204 && status !== 304;
    this.#tell(() => {
      this.#events.onHead({ status, statusText, headers: headerList(headers) }, hasBody);
      // Lets the head out even if no body comes along with it.
      process.nextTick(() => !this.#isOver && this.#events.onRead());
    });
  }

  onResponseData(_flow: Dispatcher.DispatchController, chunk: Buffer): void {
    // undici's parser passes an empty chunk when it is resumed.
    if (chunk.length === 0 || this.#isOver) return;
    this.#tell(() => {
      this.#events.onData(chunk);
      if (!this.#isOver) this.#events.onRead();
    });
  }

  /** What a listener throws ends the call, as it does over HTTP/1.1. */
  #tell(event: () => void): void {
    try {
      event();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onEnd();
  }

  onResponseError(_flow: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#isOver) return;
    if (!this.#flow && this.#retries < CONNECT_RETRIES) {
      this.#retries++;
      this.#events.onConnectRetry();
      return this.dispatch();
    }
    this.#fail(new UpstreamError("upstream_unreachable", error));
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.abort();
    this.#events.onFailed(error);
  }
}

const ignore = (): void => {};

/** undici's parsed headers as a flat list. */
function headerList(headers: Record<string, string | string[] | undefined>): string[] {
  const list: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") list.push(name, value);
    else if (value) for (const one of value) list.push(name, one);
  }
  return list;
}
