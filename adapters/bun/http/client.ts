/**
 * The way to the providers on Bun: HTTP/1.1 over Bun's own sockets. Bun's fetch drops what came before a broken
 * connection, adds headers, caps its connections, and costs twice as much.
 */
import type { Config } from "../../../src/config/keys.ts";
import { CONNECT_RETRIES } from "../../../src/gateway/fetch-upstream.ts";
import { UpstreamError } from "../../../src/gateway/ports.ts";
import { Call, type CallEvents, type CallRequest } from "./call.ts";
import { Connection } from "./connection.ts";
import { WriteBuffer } from "./write-buffer.ts";

export type HttpClientConfig = Pick<Config, "connectTimeoutSecs" | "idleTimeoutSecs">;

export interface HttpClient {
  /** Events may come before it returns. */
  call(request: CallRequest, events: CallEvents): Call;
}

/** A connection is given up this long before its peer closes it, so that no request crosses the close. */
const CLOSE_MARGIN_MS = 1_000;

/** How often idle connections are looked through. */
const SWEEP_MS = 1_000;

interface Idle {
  readonly connection: Connection;
  /** Milliseconds of `performance.now()`. */
  readonly until: number;
}

/** Connections are kept for an authority as long as `idleTimeoutSecs`, or as the peer says. A reload may change `config`. */
export function createHttpClient(config: () => HttpClientConfig): HttpClient {
  const idle = new Map<string, Idle[]>();
  const writeBuffer = new WriteBuffer();

  const idleOf = (key: string): Idle[] => {
    let list = idle.get(key);
    if (!list) {
      list = [];
      idle.set(key, list);
    }
    return list;
  };

  const dropExpired = (): void => {
    const now = performance.now();
    for (const list of idle.values())
      for (const { connection, until } of [...list]) if (until <= now) connection.close();
  };
  setInterval(dropExpired, SWEEP_MS).unref();

  const take = (list: Idle[]): Connection | undefined => {
    const now = performance.now();
    // The last one in is the warmest.
    for (let last = list.pop(); last; last = list.pop()) {
      if (last.until > now) return last.connection;
      last.connection.close();
    }
    return undefined;
  };

  const keep = (list: Idle[], connection: Connection, closesAfterMs = Number.POSITIVE_INFINITY): void => {
    connection.resume();
    const keepMs = Math.min(config().idleTimeoutSecs * 1000, closesAfterMs - CLOSE_MARGIN_MS);
    list.push({ connection, until: performance.now() + keepMs });
  };

  const open = (list: Idle[], call: Call, events: CallEvents, retry: number): void => {
    new Connection({
      authority: call.request.authority,
      tls: call.request.tls,
      connectTimeoutMs: config().connectTimeoutSecs * 1000,
      writeBuffer,
      onOpen: (connection) => call.start(connection),
      onConnectFailed(error) {
        if (call.isOver) return;
        if (retry === CONNECT_RETRIES) return call.fail(new UpstreamError("upstream_unreachable", error));
        events.onConnectRetry();
        open(list, call, events, retry + 1);
      },
      onClose(connection) {
        const at = list.findIndex((one) => one.connection === connection);
        if (at !== -1) list.splice(at, 1);
      },
    });
  };

  return {
    call(request, events) {
      const list = idleOf(`${request.tls ? "https" : "http"}://${request.authority}`);
      const call = new Call(request, events, (connection, closesAfterMs) =>
        keep(list, connection, closesAfterMs),
      );
      const connection = take(list);
      if (connection) call.start(connection);
      else open(list, call, events, 0);
      return call;
    },
  };
}
