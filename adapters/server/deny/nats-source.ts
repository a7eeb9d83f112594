/** The connection to NATS: opened, followed until it fails, and opened again after a growing pause. */

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AuthorizationError,
  type ConnectionOptions,
  credsAuthenticator,
  deferred,
  type NatsConnection,
  UserAuthenticationExpiredError,
  wsconnect,
} from "@nats-io/nats-core";
import type { Replica } from "../../../src/deny/replica.ts";
import type { Log } from "../../../src/gateway/ports.ts";
import { type Backoff, createPauses } from "../backoff.ts";
import { messageOf } from "../errors.ts";
import { followBucket, type SessionEvents } from "./nats-session.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;
const PING_INTERVAL_MS = 10_000;

/** Where NATS is and how to enter. */
export interface NatsAccess {
  /** `ws://` or `wss://`, several separated by commas. `user:password@` or `token@` in the first one holds for all. */
  readonly natsUrl: string;
  /** The text of a `.creds` file. */
  readonly natsCreds?: string | undefined;
  /** Read at every connect, so that it can be renewed. */
  readonly natsCredsFile?: string | undefined;
}

export interface NatsSourceOptions extends NatsAccess {
  readonly bucket: string;
  readonly replica: Replica;
  readonly rescanMs: number;
  readonly backoff: Backoff;
  readonly monotonic: () => number;
  readonly log: Log;
  readonly onScanned: (removed: number) => void;
}

export interface NatsSource {
  /** Resolves at the first outcome: the bucket has been scanned, or it cannot be now. Never rejects. */
  start(): Promise<void>;
  close(): Promise<void>;
  /** A watch is open. */
  connected(): boolean;
}

export function createNatsSource(options: NatsSourceOptions): NatsSource {
  const { bucket, replica, rescanMs, backoff, monotonic, log } = options;
  const closing = new AbortController();
  const firstOutcome = deferred<void>();
  const server = redactUrl(options.natsUrl);
  let running: Promise<void> | undefined;
  let connected = false;
  let state = "";

  // One log line for each change of state, however many retries find the same.
  const enter = (
    next: string,
    level: "info" | "warn",
    message: string,
    fields?: Record<string, unknown>,
  ): void => {
    connected = next === "connected";
    if (next !== "connected") firstOutcome.resolve();
    if (next === state) return;
    state = next;
    log(level, message, { server, bucket, ...fields });
  };

  let watchingSince: number | undefined;
  const events: SessionEvents = {
    onBucketMissing: () => enter("no bucket", "warn", "deny bucket does not exist, waiting for it"),
    onWatching() {
      watchingSince = monotonic();
      enter("connected", "info", "deny source connected");
    },
    onScanned(removed) {
      firstOutcome.resolve();
      log("debug", "deny bucket scanned", { bucket, removed });
      options.onScanned(removed);
    },
  };

  const run = async (): Promise<void> => {
    const pauseAfter = createPauses(backoff);
    while (!closing.signal.aborted) {
      watchingSince = undefined;
      try {
        const nc = await connect(options);
        try {
          await followBucket({ nc, bucket, replica, rescanMs, events, signal: closing.signal });
        } finally {
          await closeSoon(nc);
        }
      } catch (error) {
        const reason = isAuthError(error) ? "credentials refused" : "unreachable";
        enter(reason, "warn", `deny source down, existing denies stay: ${reason}`, {
          error: messageOf(error),
        });
      }
      const livedMs = watchingSince === undefined ? 0 : monotonic() - watchingSince;
      await sleep(pauseAfter(livedMs), undefined, { signal: closing.signal }).catch(() => undefined);
    }
    connected = false;
    firstOutcome.resolve();
  };

  return {
    start() {
      running ??= run();
      return firstOutcome;
    },
    async close() {
      closing.abort();
      await running;
    },
    connected: () => connected,
  };
}

/**
 * One connection, which does not reconnect by itself.
 *
 * @throws the client's error; the file system's for `natsCredsFile`
 */
export async function connect({ natsUrl, natsCreds, natsCredsFile }: NatsAccess): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    ...parseServers(natsUrl),
    name: "beyond-ai",
    reconnect: false,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
  };
  const creds = natsCredsFile === undefined ? natsCreds : await readCreds(natsCredsFile);
  if (creds !== undefined) options.authenticator = credsAuthenticator(new TextEncoder().encode(creds));
  return wsconnect(options);
}

/** The client would wait for ever for a peer that no longer reads. The socket of such a one stays open. */
export async function closeSoon(nc: NatsConnection): Promise<void> {
  const timer = new AbortController();
  const timeout = sleep(CLOSE_TIMEOUT_MS, undefined, { signal: timer.signal });
  await Promise.race([nc.close(), timeout]).catch(() => undefined);
  timer.abort();
}

async function readCreds(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new Error(`nats_creds_file cannot be read: ${messageOf(error)}`);
  }
}

/** The client drops what stands before `@` in a WebSocket URL, so it is handed over beside it. */
function parseServers(natsUrl: string): Pick<ConnectionOptions, "servers" | "user" | "pass" | "token"> {
  const urls = natsUrl.split(",").map((text) => {
    // The constructor's own message quotes the URL, password and all, on Bun.
    if (!URL.canParse(text.trim())) throw new Error("nats_url is not a URL");
    return new URL(text.trim());
  });
  const { username, password } = urls[0]!;
  const servers = urls.map(
    ({ protocol, host, pathname, search }) => `${protocol}//${host}${pathname}${search}`,
  );
  const user = decodeURIComponent(username);
  if (user === "") return { servers };
  return password === "" ? { servers, token: user } : { servers, user, pass: decodeURIComponent(password) };
}

/** For logs: hosts, without credentials and query. */
export function redactUrl(natsUrl: string): string {
  return natsUrl
    .split(",")
    .map((url) => (URL.canParse(url.trim()) ? new URL(url.trim()).host : "not a URL"))
    .join(",");
}

const isAuthError = (error: unknown): boolean =>
  error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
