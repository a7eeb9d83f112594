/**
 * Ceilings and breakers that hold for all workers together: each process decides by its own and tells the others what it
 * counted, some milliseconds later. Nothing is asked before a request may pass.
 */
import type { Clock } from "../../../src/gateway/ports.ts";
import { type Breaker, type BreakerOptions, createBreaker } from "../../../src/limit/breaker.ts";
import {
  type AggregateCeiling,
  type Ceilings,
  createAggregateCeiling,
  createCeilings,
} from "../../../src/limit/ceiling.ts";
import type { Limits } from "../../../src/limit/limits.ts";
import { createBatcher } from "./batcher.ts";

/** How long counts are gathered into one message, in a worker and again in the primary, in milliseconds. */
export const NEWS_MS = 10;

/** Requests in one message; a worker that reaches this number sends at once. */
const MAX_COUNTED = 4096;

/** `failed`: a request of a closed breaker. `opened`, `closed`: what a probe decided. */
type Verdict = "failed" | "opened" | "closed";

/** What one worker let through, and what it learnt of the providers, since it last told. */
export interface News {
  /** The hash of the credential of each request: tag, place, tag, place, … */
  readonly counted: Int32Array;
  readonly byo: number;
  readonly verify: number;
  readonly verdicts: readonly (readonly [provider: string, verdict: Verdict])[];
}

export interface SharedLimits {
  readonly limits: Limits;
  /** What another process told. */
  hear(news: News): void;
}

/** `tell` gets what this process counted; the primary counts nothing and only hears. */
export function createSharedLimits(
  seed: readonly [number, number],
  { monotonic }: Clock,
  tell: (news: News) => void = () => {},
): SharedLimits {
  const counted = new Int32Array(2 * MAX_COUNTED);
  let length = 0;
  const aggregated = { byo: 0, verify: 0 };
  let verdicts: (readonly [string, Verdict])[] = [];

  const batch = createBatcher(NEWS_MS, () => {
    const news = { counted: counted.slice(0, length), ...aggregated, verdicts };
    length = 0;
    aggregated.byo = 0;
    aggregated.verify = 0;
    verdicts = [];
    tell(news);
  });
  const onCounted = (tag: number, place: number): void => {
    counted[length++] = tag;
    counted[length++] = place;
    if (length === counted.length) batch.now();
    else batch.soon();
  };
  const onVerdict = (provider: string, verdict: Verdict): void => {
    verdicts.push([provider, verdict]);
    // Sent at once: failures are few, since they open the breaker, and the next request may go to another worker.
    batch.now();
  };

  // The current ones; a reload replaces them.
  let ceilings: Ceilings | undefined;
  const aggregates: { byo?: AggregateCeiling; verify?: AggregateCeiling } = {};
  const breakers = new Map<string, Breaker>();
  return {
    limits: {
      ceilings(rps) {
        ceilings = createCeilings({ rps, seed, onCounted });
        return ceilings;
      },
      aggregate(of, rps) {
        const own = createAggregateCeiling({ rps });
        aggregates[of] = own;
        const allow = (nowMs: number): boolean => {
          if (!own.allow(nowMs)) return false;
          aggregated[of]++;
          batch.soon();
          return true;
        };
        return rps > 0 ? { ...own, allow } : own;
      },
      breaker(provider, options) {
        const own = createBreaker(options);
        breakers.set(provider, own);
        return telling(own, options, (verdict) => onVerdict(provider, verdict));
      },
    },
    hear(news) {
      const nowMs = monotonic();
      for (let i = 0; i < news.counted.length; i += 2) {
        ceilings?.charge(news.counted[i]!, news.counted[i + 1]!, nowMs);
      }
      if (news.byo > 0) aggregates.byo?.charge(news.byo, nowMs);
      if (news.verify > 0) aggregates.verify?.charge(news.verify, nowMs);
      for (const [provider, verdict] of news.verdicts) {
        const breaker = breakers.get(provider);
        if (verdict === "closed") breaker?.success("probe");
        else breaker?.failure(verdict === "opened" ? "probe" : "closed", nowMs);
      }
    },
  };
}

function telling(own: Breaker, { threshold }: BreakerOptions, tell: (verdict: Verdict) => void): Breaker {
  return {
    ...own,
    success(admission) {
      own.success(admission);
      if (admission === "probe") tell("closed");
    },
    failure(admission, nowMs) {
      own.failure(admission, nowMs);
      if (threshold > 0) tell(admission === "probe" ? "opened" : "failed");
    },
  };
}
