/** Requests-a-second ceilings by GCRA (ITU-T I.371): one number a credential, no timer, no allocation. */

import { createCredentialHash, type HashCredential, type HashSeed } from "./credential-hash.ts";

interface CeilingOptions {
  /** Requests a second, and the burst: a second's worth at once. A whole number; 0 disables. */
  readonly rps: number;
  /** Two random u32; drawn at the first check if left out. */
  readonly seed?: HashSeed;
  /** Credentials remembered at most, rounded up to a power of two; 12 bytes each. */
  readonly slots?: number;
  /** Told of each request that was counted, by the hash of its credential: for `charge` elsewhere, under the same seed. */
  readonly onCounted?: (tag: number, place: number) => void;
}

export interface Ceilings {
  /** Counts the request if it is under its credential's ceiling. `nowMs` is monotonic. A refused one costs the credential nothing. */
  allow(credential: string, nowMs: number): boolean;
  /** Counts a request that another process has let through, over the ceiling or not: what is too much is waited for. */
  charge(tag: number, place: number, nowMs: number): void;
}

export interface AggregateCeiling {
  /** Counts the request if it is under the ceiling. `nowMs` is monotonic. */
  allow(nowMs: number): boolean;
  /** Counts requests that another process has let through. */
  charge(requests: number, nowMs: number): void;
}

const WAYS = 8;
const DEFAULT_SLOTS = 262_144;

/**
 * One ceiling for each credential, in a fixed table: the hash picks a set of eight entries, 32 more of its bits tell them apart.
 * A full set gives up the entry that would be the first to be idle, which can only let a request through, never refuse one;
 * a runaway credential is the last to go. A false refusal needs an equal tag in one set: below 1 in 10^8 with 100,000 active.
 * 0.15 µs a check then, of a virtual key (bench/micro/limit.ts).
 */
export function createCeilings({ rps, seed, slots = DEFAULT_SLOTS, onCounted }: CeilingOptions): Ceilings {
  if (rps <= 0) return { allow: () => true, charge: () => {} };
  const sets = 2 ** Math.max(0, Math.ceil(Math.log2(slots / WAYS)));
  const tags = new Int32Array(sets * WAYS);
  // When each credential's next request would arrive if they came evenly: GCRA's theoretical arrival time. 0: long ago.
  const arrivals = new Float64Array(sets * WAYS);
  const hashed = new Int32Array(2);
  let hash: HashCredential | undefined;
  const intervalMs = 1000 / rps;
  const toleranceMs = burstTolerance(intervalMs);

  /** The credential's entry, or the one that it may have. */
  const entryOf = (tag: number, place: number): number => {
    const first = (place & (sets - 1)) * WAYS;
    for (let i = first; i < first + WAYS; i++) if (tags[i] === tag) return i;
    let idlest = first;
    for (let i = first + 1; i < first + WAYS; i++) if (arrivals[i]! < arrivals[idlest]!) idlest = i;
    return idlest;
  };

  return {
    allow(credential, nowMs) {
      // Not before the first check: Workers give no randomness while a module loads.
      hash ??= createCredentialHash(seed ?? crypto.getRandomValues(new Int32Array(2)));
      hash(credential, hashed);
      const tag = hashed[0]!;
      const entry = entryOf(tag, hashed[1]!);
      const arrival = tags[entry] === tag ? Math.max(arrivals[entry]!, nowMs) : nowMs;
      if (arrival - nowMs > toleranceMs) return false;
      tags[entry] = tag;
      arrivals[entry] = arrival + intervalMs;
      onCounted?.(tag, hashed[1]!);
      return true;
    },
    charge(tag, place, nowMs) {
      const entry = entryOf(tag, place);
      const arrival = tags[entry] === tag ? Math.max(arrivals[entry]!, nowMs) : nowMs;
      tags[entry] = tag;
      arrivals[entry] = arrival + intervalMs;
    },
  };
}

/** One ceiling for everything that asks it. 0 disables. */
export function createAggregateCeiling({ rps }: { readonly rps: number }): AggregateCeiling {
  if (rps <= 0) return { allow: () => true, charge: () => {} };
  const intervalMs = 1000 / rps;
  const toleranceMs = burstTolerance(intervalMs);
  // A typed array and not a variable: a captured number is boxed anew at each write.
  const next = new Float64Array(1).fill(Number.NEGATIVE_INFINITY);
  return {
    allow(nowMs) {
      const arrival = Math.max(next[0]!, nowMs);
      if (arrival - nowMs > toleranceMs) return false;
      next[0] = arrival + intervalMs;
      return true;
    },
    charge(requests, nowMs) {
      next[0] = Math.max(next[0]!, nowMs) + requests * intervalMs;
    },
  };
}

/** Exactly a second's worth at once: half an interval keeps rounding from taking or giving one. */
const burstTolerance = (intervalMs: number): number => 1000 - intervalMs / 2;
