/** Waiting for something that stops by itself, such as a writer that meets backpressure. */

const QUIET_MS = 400;

/**
 * Resolves with the value once it has stayed the same for 400 ms. Only for progress whose stop has no event of its own;
 * a value that never rests makes the test time out.
 */
export function settled(progress: () => number): Promise<number> {
  return new Promise((resolve) => {
    let last = progress();
    const timer = setInterval(() => {
      const now = progress();
      if (now === last) {
        clearInterval(timer);
        resolve(now);
      }
      last = now;
    }, QUIET_MS);
  });
}
