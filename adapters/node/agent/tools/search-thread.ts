/** Runs a search in a worker thread, and stops it when it makes no progress. */
import { Worker } from "node:worker_threads";
import type { GrepLine, SearchJob, SearchMessage } from "./search-job.ts";

export interface SearchResult {
  readonly lines: readonly GrepLine[];
  readonly paths: readonly string[];
  /** There is more than was asked for. */
  readonly limited: boolean;
  /** The search was stopped; these are its results so far. */
  readonly stalled: boolean;
}

/** A search that sends nothing for so long is stopped: most likely its pattern backtracks for ever. */
const stallMs = 5_000;

/** Rejects on abort, and when the pattern is invalid. */
export function runSearch(
  job: SearchJob,
  signal: AbortSignal,
  stallAfterMs = stallMs,
): Promise<SearchResult> {
  return new Promise((resolve, reject) => {
    const lines: GrepLine[] = [];
    const paths: string[] = [];
    // The file has the same ending as this one: .ts as written, .js as built.
    const entry = import.meta.url.endsWith(".ts") ? "./search-worker.ts" : "./search-worker.js";
    const worker = new Worker(new URL(entry, import.meta.url), { workerData: job, env: {}, execArgv: [] });
    let timer = setTimeout(onStall, stallAfterMs);

    function end(settle: () => void): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      void worker.terminate();
      settle();
    }
    function onStall(): void {
      end(() => resolve({ lines, paths, limited: false, stalled: true }));
    }
    function onAbort(): void {
      end(() => reject(new Error("aborted")));
    }
    function onMessage(message: SearchMessage): void {
      clearTimeout(timer);
      timer = setTimeout(onStall, stallAfterMs);
      // Not `push(...items)`: a message may hold more items than a call can take as arguments.
      if (message.type === "lines") for (const line of message.lines) lines.push(line);
      if (message.type === "paths") for (const path of message.paths) paths.push(path);
      if (message.type === "problem") end(() => reject(new Error(message.message)));
      if (message.type === "done")
        end(() => resolve({ lines, paths, limited: message.limited, stalled: false }));
    }

    worker.on("message", onMessage);
    worker.on("error", (error) => end(() => reject(error)));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}
