/**
 * The way to the providers: HTTP/1.1 over a runtime's own sockets. undici costs two and a half times as much for a small
 * request; Bun's fetch drops what came before a broken connection, adds headers, and caps its connections.
 */
import type { Config } from "../../../../src/config/keys.ts";
import { CONNECT_RETRIES, UpstreamError } from "../../../../src/gateway/ports.ts";
import type { OpenSocket } from "../socket.ts";
import { Connection } from "./connection.ts";
import type { CallEvents, CallRequest, HttpClient } from "./http-client.ts";
import { Http1Call } from "./http1-call.ts";

export type HttpClientConfig = Pick<Config, "connectTimeoutSecs" | "idleTimeoutSecs">;

/** A connection is given up this long before its peer closes it, so that no request crosses the close. */
const CLOSE_MARGIN_MS = 1_000;

/** How often idle connections are looked through. */
const SWEEP_MS = 1_000;

/** The connections to one authority. */
interface Peer {
  readonly open: Set<Connection>;
  /** Used from the end: the last one in is the warmest. */
  readonly idle: Idle[];
}

interface Idle {
  readonly connection: Connection;
  /** Milliseconds of `performance.now()`. */
  readonly since: number;
  /** What the peer said, less a margin. */
  readonly closesAfterMs: number;
}

/**
 * Connections are kept for an authority as long as `idleTimeoutSecs`, or as the peer says. A reload may change `config`, which
 * holds for what is idle already.
 */
export function createHttp1Client(openSocket: OpenSocket, config: () => HttpClientConfig): HttpClient {
  /** By authority, in the clear or over TLS. */
  const plain = new Map<string, Peer>();
  const secure = new Map<string, Peer>();
  const all = (): Peer[] => [...plain.values(), ...secure.values()];

  const peerOf = ({ authority, tls }: CallRequest): Peer => {
    const peers = tls ? secure : plain;
    let peer = peers.get(authority);
    if (!peer) {
      peer = { open: new Set(), idle: [] };
      peers.set(authority, peer);
    }
    return peer;
  };

  const isExpired = ({ since, closesAfterMs }: Idle, now: number): boolean =>
    now - since >= Math.min(config().idleTimeoutSecs * 1000, closesAfterMs);

  const dropExpired = (): void => {
    const now = performance.now();
    for (const { idle } of all())
      for (const one of [...idle]) if (isExpired(one, now)) one.connection.close();
  };
  const sweep = setInterval(dropExpired, SWEEP_MS);
  sweep.unref();

  const take = ({ idle }: Peer): Connection | undefined => {
    const now = performance.now();
    for (let last = idle.pop(); last; last = idle.pop()) {
      const { connection } = last;
      if (!isExpired(last, now)) {
        connection.setIdle(false);
        return connection;
      }
      connection.close();
    }
    return undefined;
  };

  const keep = ({ idle }: Peer, connection: Connection, closesAfterMs = Number.POSITIVE_INFINITY): void => {
    connection.setIdle(true);
    idle.push({ connection, since: performance.now(), closesAfterMs: closesAfterMs - CLOSE_MARGIN_MS });
  };

  const open = (peer: Peer, call: Http1Call, events: CallEvents, retry: number): void => {
    const connection = new Connection({
      authority: call.request.authority,
      tls: call.request.tls,
      connectTimeoutMs: config().connectTimeoutSecs * 1000,
      openSocket,
      onOpen: (connection) => call.start(connection),
      onConnectFailed(error) {
        peer.open.delete(connection);
        if (call.isOver) return;
        if (retry === CONNECT_RETRIES) return call.fail(new UpstreamError("upstream_unreachable", error));
        events.onConnectRetry();
        open(peer, call, events, retry + 1);
      },
      onClose() {
        peer.open.delete(connection);
        const at = peer.idle.findIndex((one) => one.connection === connection);
        if (at !== -1) peer.idle.splice(at, 1);
      },
    });
    peer.open.add(connection);
  };

  return {
    call(request, events) {
      const peer = peerOf(request);
      const call = new Http1Call(request, events, (connection, closesAfterMs) =>
        keep(peer, connection, closesAfterMs),
      );
      const connection = take(peer);
      if (connection) call.start(connection);
      else open(peer, call, events, 0);
      return call;
    },
    close() {
      clearInterval(sweep);
      for (const { open } of all()) for (const connection of [...open]) connection.close();
    },
  };
}
