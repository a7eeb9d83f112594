/** The life of the replica on one connection: seed, watch, scan again from time to time. */

import { setTimeout as sleep } from "node:timers/promises";
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
} from "@nats-io/jetstream";
import { deferred, type NatsConnection } from "@nats-io/nats-core";
import type { Replica, StreamState } from "../../../src/deny/replica.ts";
import { BucketConsumer, type BucketConsumerOptions } from "./nats-consumer.ts";

/** How long a request to JetStream may take. */
const REQUEST_TIMEOUT_MS = 5_000;

/** A missing bucket is asked for this often: one small request on a connection that is up. */
const BUCKET_POLL_MS = 500;

/** A lost consumer is noticed after three of these; a lost connection by its own pings. */
const WATCH_HEARTBEAT_MS = 1_000;

/** JetStream sends an advisory a few milliseconds before what it announces has happened. */
const ADVISORY_LEAD_MS = 100;

/** The longest timer: one set for longer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Short, since the scan of an empty bucket ends with the first heartbeat. */
const SCAN_HEARTBEAT_MS = 250;

/** What happens on the way, for logs, readiness and the snapshot file. */
export interface SessionEvents {
  onBucketMissing(): void;
  /** The watch is open; the scan has begun. */
  onWatching(): void;
  onScanned(removed: number): void;
}

export interface SessionOptions {
  readonly nc: NatsConnection;
  readonly bucket: string;
  readonly replica: Replica;
  /** 0 = scan only when the watch opens. */
  readonly rescanMs: number;
  readonly events: SessionEvents;
  readonly signal: AbortSignal;
}

/**
 * Follows the bucket until the signal, also while it is deleted and created again.
 *
 * @throws what the connection, JetStream or the watch failed with; the connection should then be given up
 */
export async function followBucket(options: SessionOptions): Promise<void> {
  const { nc, bucket, events, signal } = options;
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: REQUEST_TIMEOUT_MS });
  while (!signal.aborted) {
    const state = await bucketState(jsm, bucket);
    if (state === undefined) {
      events.onBucketMissing();
      await sleep(BUCKET_POLL_MS, undefined, { signal }).catch(() => undefined);
      continue;
    }
    try {
      await followStream(options, jsm, state);
    } catch (error) {
      // What the server refuses of a bucket that is gone says nothing of the connection.
      if (!(error instanceof JetStreamApiError) || (await bucketState(jsm, bucket)) !== undefined)
        throw error;
    }
  }
}

/** Returns when the stream may have been deleted or replaced by another, and on the signal. */
async function followStream(
  options: SessionOptions,
  jsm: JetStreamManager,
  state: BucketState,
): Promise<void> {
  const { nc, bucket, replica, rescanMs, events, signal } = options;
  const leaving = deferred<void>();
  const leave = (): void => leaving.resolve();
  // Sent when the stream is created, changed or deleted, to those who may subscribe; others have heartbeats and scans.
  const advisories = nc.subscribe(`$JS.EVENT.ADVISORY.STREAM.*.KV_${bucket}`, {
    callback: (refused) => {
      if (refused === null) setTimeout(leave, ADVISORY_LEAD_MS);
    },
  });
  signal.addEventListener("abort", leave);
  const source = { nc, stream: `KV_${bucket}`, subjectPrefix: state.subjectPrefix };
  const timer = new AbortController();
  let watch: BucketConsumer | undefined;
  try {
    watch = new BucketConsumer({
      ...source,
      from: replica.resume(state),
      heartbeatMs: WATCH_HEARTBEAT_MS,
      onChange: (change) => replica.watched(change),
    });
    const ended = Promise.race([leaving, watch.failed, closed(nc)]);
    ended.catch(() => undefined); // awaited again at each step below
    const isOpen = await Promise.race([watch.opened.then(() => true), ended.then(() => false)]);
    if (!isOpen) return;
    events.onWatching();
    for (;;) {
      const now = await bucketState(jsm, bucket);
      if (now === undefined || !replica.follows(now)) return;
      const removed = await scan(source, now.lastRevision, replica, ended);
      if (removed === undefined) return;
      events.onScanned(removed);
      const pause = sleep(Math.min(rescanMs, MAX_TIMER_MS), undefined, { signal: timer.signal }).catch(
        () => undefined,
      );
      await Promise.race(rescanMs > 0 ? [pause, ended] : [ended]);
      if (signal.aborted) return;
    }
  } finally {
    timer.abort();
    signal.removeEventListener("abort", leave);
    if (!nc.isClosed()) advisories.unsubscribe();
    watch?.stop();
  }
}

/** Reads every key's last value; returns how many entries turned out to be gone, or undefined when `ended` came first. */
async function scan(
  source: Source,
  lastRevision: number,
  replica: Replica,
  ended: Promise<void>,
): Promise<number | undefined> {
  const caughtUp = deferred<number>();
  let isOpen = true;
  replica.beginScan();
  const reader = new BucketConsumer({
    ...source,
    from: "last",
    heartbeatMs: SCAN_HEARTBEAT_MS,
    onChange: (change) => {
      if (isOpen) replica.scanned(change);
    },
    catchUp: {
      lastRevision,
      onCaughtUp: () => {
        // In the same turn as the last message: what the watch applies after it is not part of this scan.
        if (isOpen) caughtUp.resolve(replica.endScan());
        isOpen = false;
      },
    },
  });
  try {
    return (await Promise.race([caughtUp, reader.failed, ended])) ?? undefined;
  } finally {
    isOpen = false;
    reader.stop();
    replica.abandonScan();
  }
}

type Source = Pick<BucketConsumerOptions, "nc" | "stream" | "subjectPrefix">;

export interface BucketState extends StreamState {
  readonly subjectPrefix: string;
}

/** Undefined when there is no such bucket. */
export async function bucketState(jsm: JetStreamManager, bucket: string): Promise<BucketState | undefined> {
  try {
    const { created, state, config } = await jsm.streams.info(`KV_${bucket}`);
    // A mirror keeps the subjects of the bucket that it mirrors.
    const origin = config.mirror?.name.replace(/^KV_/, "") ?? bucket;
    return {
      created,
      firstRevision: state.first_seq,
      lastRevision: state.last_seq,
      subjectPrefix: `$KV.${origin}.`,
    };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined;
    throw error;
  }
}

/** Rejects when the connection is gone. */
async function closed(nc: NatsConnection): Promise<never> {
  throw (await nc.closed()) ?? new Error("the connection was closed");
}
