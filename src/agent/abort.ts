/** Waiting that an abort ends. */
import { ModelError } from "./errors.ts";

export function abortedError(): ModelError {
  return new ModelError("aborted", "aborted");
}

/** `work`, or a rejection with `aborted` as soon as the signal is; `graceMs` lets the work settle by itself first. */
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
