/**
 * The way to the providers on Bun: HTTP/1.1 over Bun's own sockets. Bun's fetch drops what came before a broken
 * connection, adds headers, caps its connections, and costs half as much again.
 */
import type { Config } from "../../../src/config/keys.ts";
import { CONNECT_RETRIES } from "../../../src/gateway/fetch-upstream.ts";
import { type Upstream, UpstreamError, type UpstreamRequest } from "../../../src/gateway/ports.ts";
import { Connection } from "./connection.ts";

export type BunUpstreamConfig = Pick<Config, "connectTimeoutSecs" | "idleTimeoutSecs">;

/** A connection is given up this long before its peer closes it, so that no request crosses the close. */
const CLOSE_MARGIN_MS = 1_000;

interface Idle {
  readonly connection: Connection;
  /** Milliseconds of `performance.now()`. */
  readonly until: number;
}

/** Connections are kept for an authority as long as `idleTimeoutSecs`, or as the peer says. */
export function createBunUpstream({ connectTimeoutSecs, idleTimeoutSecs }: BunUpstreamConfig): Upstream {
  const idle = new Map<string, Idle[]>();

  const dropExpired = (): void => {
    const now = performance.now();
    for (const list of idle.values())
      for (const { connection, until } of [...list]) if (until <= now) connection.close();
  };
  setInterval(dropExpired, Math.max(1, idleTimeoutSecs / 2) * 1000).unref();

  const take = (key: string): Connection | undefined => {
    const now = performance.now();
    // The last one in is the warmest.
    for (let last = idle.get(key)?.pop(); last; last = idle.get(key)?.pop()) {
      if (last.until > now) return last.connection;
      last.connection.close();
    }
    return undefined;
  };

  const open = async (key: string, { authority, tls }: UpstreamRequest): Promise<Connection> => {
    const connection = new Connection({
      authority,
      tls,
      connectTimeoutMs: connectTimeoutSecs * 1000,
      onIdle(self, closesAfterMs = Number.POSITIVE_INFINITY) {
        const keepMs = Math.min(idleTimeoutSecs * 1000, closesAfterMs - CLOSE_MARGIN_MS);
        const list = idle.get(key) ?? [];
        idle.set(key, list);
        list.push({ connection: self, until: performance.now() + keepMs });
      },
      onClose(self) {
        const list = idle.get(key);
        const at = list?.findIndex(({ connection }) => connection === self) ?? -1;
        if (at !== -1) list!.splice(at, 1);
      },
    });
    await connection.opened;
    return connection;
  };

  const connect = async (key: string, request: UpstreamRequest): Promise<Connection> => {
    for (let retry = 0; ; retry++) {
      try {
        return await open(key, request);
      } catch (error) {
        if (retry === CONNECT_RETRIES || request.signal.aborted) throw error;
        request.onConnectRetry();
      }
    }
  };

  return {
    async send(request) {
      const key = `${request.tls ? "https" : "http"}://${request.authority}`;
      try {
        const connection = take(key) ?? (await connect(key, request));
        return await connection.send(request);
      } catch (error) {
        if (request.signal.aborted || error instanceof TypeError) throw error;
        throw new UpstreamError("upstream_unreachable", error);
      }
    },
  };
}
