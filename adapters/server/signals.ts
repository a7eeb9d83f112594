/** SIGTERM and SIGINT: the first drains, the second ends at once. */
import { constants } from "node:os";
import { basename } from "node:path";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * npm passes a signal on to its script. Where the whole process group was signalled (Ctrl-C, most supervisors), the script has
 * it already, and the copy a moment later would cut the drain short.
 */
const NPM_ECHO_MS = 250;

/** Exits with 0 once `stop` settles, 1 if it rejects, 128 + n on the second signal. */
export function stopOnSignals(stop: () => Promise<void>): void {
  const echoMs = isNpmScript() ? NPM_ECHO_MS : 0;
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    const at = performance.now();
    if (first === undefined) {
      first = { signal, at };
      stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    } else if (signal !== first.signal || at - first.at >= echoMs) {
      process.exit(128 + constants.signals[signal]);
    }
  };
  for (const signal of SIGNALS) process.on(signal, () => onSignal(signal));
}

/** Whether the npm script that set our environment is the one that runs us, and no other further up. */
function isNpmScript(): boolean {
  const entry = basename(process.argv[1] ?? "");
  return entry !== "" && (process.env.npm_lifecycle_script ?? "").includes(entry);
}
