/** The end of a worker: it drains, tells the primary its last counts, and exits. */
import type { Log } from "../../../src/gateway/ports.ts";
import type { Reporter } from "./reporter.ts";

export interface EndingOptions {
  /** Drains the gateway. */
  readonly close: () => Promise<void>;
  readonly reporter: Pick<Reporter, "end">;
  readonly log: Log;
  readonly exit: (code: number) => void;
}

/** Calls beyond the first do nothing. Exits with 0, or with 1 if the drain failed. */
export function createEnding({ close, reporter, log, exit }: EndingOptions): () => void {
  let isEnding = false;
  return () => {
    if (isEnding) return;
    isEnding = true;
    const drained = close().then(
      () => 0,
      (error: unknown) => {
        log("error", "the drain failed", { error: String(error) });
        return 1;
      },
    );
    void drained.then((code) => reporter.end(() => exit(code)));
  };
}
