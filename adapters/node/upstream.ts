/** The way to the providers on Node: undici's own API, which hands on raw bytes at a fraction of the global fetch's cost. */
import type { Dispatcher } from "undici";
// Its own entry also loads its fetch, caches and mocks, 109 files instead of 21: a quarter of the start.
import Pool from "undici/lib/dispatcher/pool.js";
import type { Config } from "../../src/config/keys.ts";
import { CONNECT_RETRIES } from "../../src/gateway/fetch-upstream.ts";
import {
  type HeaderList,
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../src/gateway/ports.ts";

export type UpstreamConfig = Pick<
  Config,
  "upstreamTls" | "connectTimeoutSecs" | "readTimeoutSecs" | "idleTimeoutSecs" | "upstreamHttp2"
>;

/** One keep-alive pool an authority. */
export interface Pools {
  poolFor(authority: string): Dispatcher;
  /** For when other pools take over: what runs here goes on to its end, what is idle closes. `poolFor` still answers. */
  retire(): void;
  /** Ends every connection now. */
  close(): Promise<void>;
}

/** A connection of retired pools is closed as soon as it is idle; undici wants a positive time, in milliseconds. */
const RETIRED_IDLE_MS = 1;

export function createPools(config: UpstreamConfig): Pools {
  const pools = new Map<string, Pool>();
  const closing = new Set<Pool>();
  let idleMs = config.idleTimeoutSecs * 1000;
  const scheme = config.upstreamTls ? "https" : "http";
  return {
    poolFor(authority) {
      let pool = pools.get(authority);
      if (!pool) {
        pool = new Pool(`${scheme}://${authority}`, {
          connections: null,
          pipelining: 1,
          allowH2: config.upstreamHttp2,
          connect: { timeout: config.connectTimeoutSecs * 1000 },
          headersTimeout: config.readTimeoutSecs * 1000,
          bodyTimeout: config.readTimeoutSecs * 1000,
          keepAliveTimeout: idleMs,
          keepAliveMaxTimeout: idleMs,
        });
        pools.set(authority, pool);
      }
      return pool;
    },
    retire() {
      idleMs = RETIRED_IDLE_MS;
      for (const pool of pools.values()) {
        closing.add(pool);
        void pool.close().then(() => closing.delete(pool));
      }
      // A request admitted before, whose turn or retry comes only now, must not meet a closed pool.
      pools.clear();
    },
    close: async () => {
      await Promise.all([...pools.values(), ...closing].map((pool) => pool.destroy()));
    },
  };
}

/** undici's parsed headers as a flat list. */
export function headerList(headers: Record<string, string | string[] | undefined>): HeaderList {
  const list: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") list.push(name, value);
    else if (value) for (const one of value) list.push(name, one);
  }
  return list;
}

/** What became of a request that got no head: a time-out, or anything else. */
export function errorCodeOf(error: Error): UpstreamError["code"] {
  return "code" in error && error.code === "UND_ERR_HEADERS_TIMEOUT"
    ? "upstream_timeout"
    : "upstream_unreachable";
}

/** The `Upstream` port over the pools, for the portable relay on Node. */
export function createUndiciUpstream(pools: Pools): Upstream {
  return {
    async send(request) {
      for (let retry = 0; ; retry++) {
        const attempt = new Attempt(request);
        try {
          return await attempt.run(pools.poolFor(request.authority));
        } catch (error) {
          const replayable = !(request.body instanceof ReadableStream);
          if (request.signal.aborted) throw error;
          if (attempt.connected || !replayable || retry === CONNECT_RETRIES) {
            throw new UpstreamError(errorCodeOf(error as Error), error, attempt.connected);
          }
          request.onConnectRetry();
        }
      }
    },
  };
}

/** One try at a request, into a hand-made stream: `Readable.toWeb` crashes the process when both ends close at once. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #request: UpstreamRequest;
  readonly #head = Promise.withResolvers<UpstreamResponse>();
  #flow: Dispatcher.DispatchController | undefined;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  connected = false;

  constructor(request: UpstreamRequest) {
    this.#request = request;
  }

  run(pool: Dispatcher): Promise<UpstreamResponse> {
    const { method, path, headers, body, signal, readTimeoutMs } = this.#request;
    // undici takes any async iterable, which its types do not say.
    const upload: unknown = body ?? null;
    signal.addEventListener("abort", this.#abort, { once: true });
    pool.dispatch(
      {
        method: method as Dispatcher.HttpMethod,
        path,
        headers: headers as string[],
        body: upload as Uint8Array | null,
        headersTimeout: readTimeoutMs,
        bodyTimeout: readTimeoutMs,
      },
      this,
    );
    return this.#head.promise;
  }

  readonly #abort = (): void => this.#flow?.abort(new Error("the client left"));

  onRequestStart(flow: Dispatcher.DispatchController): void {
    this.connected = true;
    this.#flow = flow;
    if (this.#request.signal.aborted) this.#abort();
  }

  onResponseStart(
    flow: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText = "",
  ): void {
    if (status < 200) return;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller;
      },
      pull: () => flow.resume(),
      cancel: () => this.#abort(),
    });
    this.#head.resolve({ status, statusText, headers: headerList(headers), body });
  }

  onResponseData(flow: Dispatcher.DispatchController, chunk: Buffer): void {
    // A parser that is resumed begins with an empty chunk; queued, it would pause the parser again, for ever.
    if (chunk.length === 0) return;
    this.#body!.enqueue(chunk);
    if ((this.#body!.desiredSize ?? 0) <= 0) flow.pause();
  }

  onResponseEnd(): void {
    this.#request.signal.removeEventListener("abort", this.#abort);
    this.#body!.close();
  }

  onResponseError(_flow: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#request.signal.removeEventListener("abort", this.#abort);
    this.#head.reject(error);
    try {
      this.#body?.error(error);
    } catch {
      // The reader cancelled it first.
    }
  }
}
