/** Growing pauses between attempts: to connect, to start a worker. */

/** From `minMs`, doubled up to `maxMs`. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  /** Only what lived this long counts as a success, and takes the pause back to `minMs`. */
  readonly stableMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { minMs: 1_000, maxMs: 30_000, stableMs: 5_000 };

/**
 * Gives the pause after each attempt, in milliseconds, for how long the attempt lived.
 * Up to a fifth is taken off at random, so that the replicas of a fleet do not retry in step.
 */
export function createPauses(
  { minMs, maxMs, stableMs }: Backoff,
  random: () => number = Math.random,
): (livedMs: number) => number {
  let next = minMs;
  return (livedMs) => {
    if (livedMs >= stableMs) next = minMs;
    const pause = next * (1 - random() / 5);
    next = Math.min(next * 2, maxMs);
    return pause;
  };
}
