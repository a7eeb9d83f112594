/** The deny-set from Workers KV: asked a tenant at a time, through a bounded cache that outlives the request. */

import type { Clock, DenyReason, DenySource } from "../gateway/ports.ts";
import { type Deny, parseDenyValue } from "./entry.ts";

/** What is used of a Workers KV namespace: the bulk read of up to 100 keys, as text. */
export interface KvNamespace {
  get(keys: string[]): Promise<Map<string, string | null>>;
}

export interface KvSourceOptions {
  readonly kv: KvNamespace;
  /** `deny_cache_secs`: how old an answer may be. */
  readonly cacheSecs: number;
  /** `deny_lookup_timeout_ms`: what a request waits for an answer that is not cached. */
  readonly lookupTimeoutMs: number;
  readonly clock: Clock;
  /** Keeps the isolate at work on a promise beyond the response. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** Told of each failed or late read: it was answered from what was known, or failed open. */
  readonly onError?: (error: unknown) => void;
  /** Answers kept; the oldest go first. */
  readonly maxEntries?: number;
}

/** A source that counts its failures. */
export interface KvDenySource extends DenySource {
  /** Denies in the cache. */
  size(): number;
  /** Reads that failed or came too late. */
  errors(): number;
  /** False from a failed read to the next good one. */
  connected(): boolean;
}

interface Answer {
  /** Undefined = KV has no entry. */
  readonly deny: Deny | undefined;
  /** From then on (monotonic) the answer is too old to give without asking. */
  readonly staleAt: number;
  /** From then on a request may begin to read it again in the background. */
  refreshAt: number;
}

/** A read in the background that has not come back by then died with its request: in workerd it belongs to one. */
const REFRESH_LOST_MS = 10_000;

/** After a failure the same keys are answered from what is known for this long, so that not every request waits. */
const RETRY_MS = 1_000;

/**
 * Lookups are synchronous while both answers are fresh. From half of `cacheSecs` on, a request has them read again
 * behind its back; older than `cacheSecs`, they count only if KV does not answer in time.
 */
export function createKvDenySource(options: KvSourceOptions): KvDenySource {
  const { kv, cacheSecs, lookupTimeoutMs, clock, waitUntil, onError, maxEntries = 10_000 } = options;
  const answers = new Map<string, Answer>();
  let denies = 0;
  let errors = 0;
  let failing = false;

  const forget = (key: string): void => {
    if (answers.get(key)?.deny !== undefined) denies--;
    answers.delete(key);
  };
  const remember = (key: string, deny: Deny | undefined, freshMs: number): void => {
    forget(key);
    if (deny !== undefined) denies++;
    const now = clock.monotonic();
    answers.set(key, { deny, staleAt: now + freshMs, refreshAt: now + freshMs / 2 });
    if (answers.size > maxEntries) forget(answers.keys().next().value!);
  };
  const fail = (keys: readonly string[], error: unknown): void => {
    errors++;
    failing = true;
    for (const key of keys) remember(key, answers.get(key)?.deny, RETRY_MS);
    onError?.(error);
  };
  const read = async (keys: string[]): Promise<void> => {
    try {
      const values = await kv.get(keys);
      for (const key of keys) {
        const value = values.get(key);
        remember(key, typeof value === "string" ? parseDenyValue(value) : undefined, cacheSecs * 1000);
      }
      failing = false;
    } catch (error) {
      fail(keys, error);
    }
  };
  const refresh = (keys: string[], now: number): void => {
    // Put off, so that the requests that follow do not read it too.
    for (const key of keys) answers.get(key)!.refreshAt = now + REFRESH_LOST_MS;
    waitUntil(read(keys));
  };
  const known = (keys: readonly string[]): DenyReason | undefined => {
    for (const key of keys) {
      const deny = answers.get(key)?.deny;
      if (deny !== undefined && (deny.expiresAt === 0 || clock.now() < deny.expiresAt * 1000))
        return deny.reason;
    }
    return undefined;
  };
  const readInTime = async (keys: string[]): Promise<DenyReason | undefined> => {
    const reading = read(keys);
    // A late answer still serves the next request.
    waitUntil(reading);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<true>((resolve) => {
      timer = setTimeout(resolve, lookupTimeoutMs, true);
    });
    if ((await Promise.race([reading, timeout])) === true)
      fail(keys, new Error("Workers KV did not answer in time"));
    clearTimeout(timer);
    return known(keys);
  };

  return {
    lookup(tenantId, keyId) {
      const keys = [`blackhole.${tenantId}`];
      if (keyId !== undefined) keys.push(`blackhole.key.${keyId}`);
      const now = clock.monotonic();
      if (keys.some((key) => (answers.get(key)?.staleAt ?? Number.NEGATIVE_INFINITY) <= now))
        return readInTime(keys);
      if (keys.some((key) => answers.get(key)!.refreshAt <= now)) refresh(keys, now);
      return known(keys);
    },
    size: () => denies,
    errors: () => errors,
    connected: () => !failing,
  };
}
