/** Gathers what happens in a few milliseconds into one message; what happens after a quiet while goes out at once. */

export interface Batcher {
  /** There is something to send. */
  soon(): void;
  /** It cannot wait. */
  now(): void;
}

/** `send` is called at most once in `intervalMs`, unless it cannot wait. */
export function createBatcher(intervalMs: number, send: () => void): Batcher {
  let sentAt = Number.NEGATIVE_INFINITY;
  let isWaiting = false;
  const run = (): void => {
    if (!isWaiting) return;
    isWaiting = false;
    sentAt = performance.now();
    send();
  };
  return {
    soon() {
      if (isWaiting) return;
      isWaiting = true;
      const waitMs = sentAt + intervalMs - performance.now();
      if (waitMs > 0) setTimeout(run, waitMs);
      else setImmediate(run);
    },
    now() {
      isWaiting = true;
      run();
    },
  };
}
