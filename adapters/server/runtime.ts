/** What a server runtime supplies, and what it is handed. */
import type { ListenAddress } from "../../src/config/address.ts";
import type { Config } from "../../src/config/keys.ts";
import type { Log } from "../../src/gateway/ports.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import type { Limits } from "../../src/limit/limits.ts";
import type { ServerDenySource } from "./deny/index.ts";

/** A listener that a runtime opened. */
export interface OpenServer {
  readonly port: number;
  /** No new connections, idle ones closed; settles when the last one is gone. */
  close(): Promise<void>;
  /** Ends every connection now. */
  destroy(): void;
}

/** What the connection itself tells of a request, whatever its headers say. */
export interface Connection {
  /** Of the socket's other end; undefined if it is gone already. */
  readonly remoteAddress: string | undefined;
}

/** An app for an ordinary listener. A Hono app is one; the connection is its `c.env`. */
export interface ListeningApp {
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
}

/** What a server runtime supplies. */
export interface ServerRuntime {
  /** The gateway's own listener, over the runtime's fastest transport. */
  listen(state: GatewayState, address: ListenAddress): Promise<OpenServer>;
  /** An ordinary listener for an app that need not be fast. */
  listenApp(app: ListeningApp, address: ListenAddress): Promise<OpenServer>;
  /** Processes that share the port, for `workers` above 1; absent where the runtime has none. */
  readonly openWorkers?: (options: WorkersOptions) => Promise<Workers>;
}

export interface WorkersOptions {
  /** How many. */
  readonly count: number;
  readonly version: string;
  readonly log: Log;
  /** The source of all of them. */
  readonly deny: ServerDenySource;
  /** Takes each row that a worker writes. */
  readonly onRow: (line: string) => void;
  /** A worker died in the middle of a row. */
  readonly onCutRow: () => void;
}

/** Processes that share the port. The one that starts them relays nothing; its state holds their summed metrics. */
export interface Workers {
  /** For that state, whose breakers then open with theirs. */
  readonly limits: Limits;
  /** Settles when all of them listen; rejects with the system's own error, as EADDRINUSE. */
  listen(state: GatewayState, address: ListenAddress): Promise<OpenServer>;
  /** Brings the state's metrics up to date; gives the process metrics of each. */
  collect(): Promise<string[]>;
  /** `degraded` while one of them is missing, `down` while none is there. */
  health(): "ok" | "degraded" | "down";
  /** Hands on a config that the state has taken up; resolves when all have too. */
  reconfigure(config: Config): Promise<void>;
}
