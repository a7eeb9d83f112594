/** A circuit breaker for one provider: enough failures in a sliding window open it, then a single probe decides. */

export interface BreakerOptions {
  /** Failures within the window that open it; 0 disables. */
  readonly threshold: number;
  readonly windowMs: number;
  /** How long it stays open before a probe is let through. */
  readonly resetMs: number;
}

/** How a request was let through. Its verdict is given back with it, so that a straggler from before cannot decide for the probe. */
export type Admission = "closed" | "probe";

/** Times are monotonic milliseconds. Every admitted request ends in exactly one of `success`, `failure` and `abandon`. */
export interface Breaker {
  admit(nowMs: number): Admission | "open";
  /** The provider answered, with anything but a 5xx. */
  success(admission: Admission): void;
  /** A 5xx, or no response. Never a 429, a 4xx, a client that left, or a client's bad upload. */
  failure(admission: Admission, nowMs: number): void;
  /** It ended without saying anything about the provider: the next request may be the probe. */
  abandon(admission: Admission): void;
  /** Would a request be refused now? Asking lets none through. */
  isOpen(nowMs: number): boolean;
  /** Whole seconds for `retry-after`, 1 to 5: stock SDKs sleep as long as it says. */
  retryAfterSecs(nowMs: number): number;
}

const MAX_RETRY_AFTER_SECS = 5;

export function createBreaker({ threshold, windowMs, resetMs }: BreakerOptions): Breaker {
  // The last `threshold` failures, as a ring: when the one about to be overwritten is within the window, so are all.
  const failures = new Float64Array(Math.max(threshold, 1)).fill(Number.NEGATIVE_INFINITY);
  let next = 0;
  /** `undefined` while closed. */
  let probeAtMs: number | undefined;
  let probing = false;

  const open = (nowMs: number): void => {
    probeAtMs = nowMs + resetMs;
    probing = false;
    failures.fill(Number.NEGATIVE_INFINITY);
  };
  const isOpen = (nowMs: number): boolean => probeAtMs !== undefined && (probing || nowMs < probeAtMs);

  return {
    isOpen,
    admit(nowMs) {
      if (isOpen(nowMs)) return "open";
      if (probeAtMs === undefined) return "closed";
      probing = true;
      return "probe";
    },
    success(admission) {
      if (admission === "closed") return;
      probeAtMs = undefined;
      probing = false;
    },
    failure(admission, nowMs) {
      if (admission === "probe") return open(nowMs);
      if (threshold === 0 || probeAtMs !== undefined) return;
      failures[next] = nowMs;
      next = (next + 1) % threshold;
      if (failures[next]! > nowMs - windowMs) open(nowMs);
    },
    abandon(admission) {
      if (admission === "probe") probing = false;
    },
    retryAfterSecs(nowMs) {
      const waitMs = probeAtMs === undefined ? 0 : probeAtMs - nowMs;
      return Math.min(Math.max(Math.ceil(waitMs / 1000), 1), MAX_RETRY_AFTER_SECS);
    },
  };
}
