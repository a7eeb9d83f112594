/** The deny-set on servers: from NATS, from NATS with a snapshot file as its cold-start cache, or from the file alone. */

import { setTimeout as sleep } from "node:timers/promises";
import { DenySet } from "../../../src/deny/deny-set.ts";
import type { LogEntry } from "../../../src/deny/log-format.ts";
import { Replica } from "../../../src/deny/replica.ts";
import type { Clock, DenySource, Log } from "../../../src/gateway/ports.ts";
import { type Backoff, DEFAULT_BACKOFF } from "../backoff.ts";
import type { createNatsSource, NatsAccess } from "./nats-source.ts";
import { SnapshotCache } from "./snapshot-cache.ts";
import { createSnapshotSource } from "./snapshot-source.ts";

/** How long a start waits for the first scan before it serves with what it has (fail open). */
const START_WAIT_MS = 2_000;

export interface ServerDenyOptions extends Omit<NatsAccess, "natsUrl"> {
  readonly natsUrl?: string | undefined;
  readonly bucket: string;
  readonly snapshotPath?: string | undefined;
  readonly rescanSecs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: 1 s to 30 s. */
  readonly backoff?: Backoff;
}

/** A source that is started and closed. */
export interface LivingDenySource extends DenySource {
  /** Resolves when what can be known soon is in force. Never rejects. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Is told of every change, in order. */
interface DenyFollower {
  changed(entry: LogEntry): void;
  /** The whole set was replaced. */
  replaced(): void;
}

export interface ServerDenySource extends LivingDenySource {
  /** Loads the file, then waits for the first scan, a failure or two seconds. Never rejects. */
  start(): Promise<void>;
  /** Resolves once everything known is on disk and the connection is closed. */
  close(): Promise<void>;
  connected(): boolean | undefined;
  size(): number;
  lookup(tenantId: string, keyId: string | undefined): ReturnType<DenySet["lookup"]>;
  /** Resolves once every change applied so far is in the snapshot file; false if the disk refuses. */
  flush(): Promise<boolean>;
  /** All entries at this moment, as a set of their own. */
  copy(): DenySet;
  /** Returns a function that ends it. */
  follow(follower: DenyFollower): () => void;
}

/** With neither `natsUrl` nor `snapshotPath`, nobody is denied. */
export function createServerDenySource(options: ServerDenyOptions): ServerDenySource {
  const set = new DenySet(() => options.clock.now());
  const followers = new Set<DenyFollower>();
  const tell: DenyFollower = {
    changed(entry) {
      for (const follower of followers) follower.changed(entry);
    },
    replaced() {
      for (const follower of followers) follower.replaced();
    },
  };
  const life =
    options.natsUrl !== undefined
      ? natsLife(options, options.natsUrl, set, tell)
      : fileLife(options, set, tell);
  return {
    lookup: (tenantId, keyId) => lookupIn(set, tenantId, keyId),
    size: () => set.size,
    copy: () => set.clone(),
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
    ...life,
  };
}

/** A tenant's entry stops all its keys. */
export const lookupIn = (
  set: DenySet,
  tenantId: string,
  keyId: string | undefined,
): ReturnType<DenySet["lookup"]> =>
  set.lookup("tenant", tenantId) ?? (keyId === undefined ? undefined : set.lookup("key", keyId));

type Life = Pick<ServerDenySource, "start" | "close" | "connected" | "flush">;

function natsLife(options: ServerDenyOptions, natsUrl: string, set: DenySet, tell: DenyFollower): Life {
  const { bucket, snapshotPath, rescanSecs, clock, log, backoff = DEFAULT_BACKOFF } = options;
  const now = () => clock.now();
  const replica = new Replica(set, now, (entry) => {
    cache?.append(entry);
    tell.changed(entry);
  });
  const position = () => replica.position;
  const cache =
    snapshotPath === undefined
      ? undefined
      : new SnapshotCache({ path: snapshotPath, set, now, position, log });
  // A file whose header speaks of another stream is brought up to date once the scan has confirmed its contents.
  let streamOnDisk: string | undefined;
  const access = {
    natsUrl,
    natsCreds: options.natsCreds,
    natsCredsFile: options.natsCredsFile,
    bucket,
    replica,
    rescanMs: rescanSecs * 1000,
    backoff,
    monotonic: () => clock.monotonic(),
    log,
    onScanned() {
      if (replica.position.stream === streamOnDisk) cache?.check();
      else cache?.replace();
      streamOnDisk = replica.position.stream;
    },
  };
  let nats: ReturnType<typeof createNatsSource> | undefined;
  return {
    async start() {
      // Loaded here alone: without NATS its packages never are.
      const { createNatsSource } = await import("./nats-source.ts");
      nats = createNatsSource(access);
      const restored = await cache?.load();
      tell.replaced();
      if (restored !== undefined) replica.restore(restored);
      streamOnDisk = restored?.stream;
      const timer = new AbortController();
      const waited = sleep(START_WAIT_MS, undefined, { signal: timer.signal }).catch(() => undefined);
      await Promise.race([nats.start(), waited]);
      timer.abort();
    },
    async close() {
      await nats?.close();
      await cache?.close();
    },
    connected: () => nats?.connected() ?? false,
    flush: async () => (await cache?.flush()) ?? true,
  };
}

function fileLife({ snapshotPath, clock, log }: ServerDenyOptions, set: DenySet, tell: DenyFollower): Life {
  const file =
    snapshotPath === undefined
      ? undefined
      : createSnapshotSource({
          path: snapshotPath,
          set,
          now: () => clock.now(),
          log,
          onLoaded: tell.replaced,
        });
  return {
    start: async () => file?.start(),
    close: async () => file?.close(),
    // There is no connection to speak of; a file that cannot be read makes readyz say `degraded` all the same.
    connected: () => (file === undefined || file.usable() ? undefined : false),
    flush: async () => true,
  };
}
