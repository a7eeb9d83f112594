/** Waits that an abort cuts short. */
import { ModelError } from "./errors.ts";

export function abortedError(): ModelError {
  return new ModelError("aborted", "aborted");
}

/** Settles as `work` does; after an abort, which leaves the work `graceMs` to settle by itself, rejects with `aborted`. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal, graceMs = 0): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onAbort = () => {
      timer = setTimeout(() => reject(abortedError()), graceMs);
    };
    const settled = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    work.then(
      (value) => {
        settled();
        resolve(value);
      },
      (thrown) => {
        settled();
        reject(thrown);
      },
    );
  });
}
