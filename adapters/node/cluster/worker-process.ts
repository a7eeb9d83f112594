/** One worker as the primary sees it: what it is told, what it says, its rows, its end. */
import type { ChildProcess } from "node:child_process";
import cluster from "node:cluster";
import type { FromWorker, Report, ToWorker, WorkerStart } from "./messages.ts";
import { relayLines } from "./row-relay.ts";
import type { News } from "./shared-limits.ts";

/** How long a scrape waits for a worker that is too busy to answer, in milliseconds. */
const REPORT_PATIENCE_MS = 1_000;

export interface WorkerListener {
  onRow(line: string): void;
  onReport(report: Report): void;
  onNews(news: News): void;
}

interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It died in the middle of a row. */
  readonly cutRow: boolean;
}

export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Resolves with the port; rejects, with the system's own error if there is one, when it ends before it listens. */
  readonly listening: Promise<number>;
  isListening(): boolean;
  /** Resolves when it is gone and all that it said has been heard. Never rejects. */
  readonly ended: Promise<WorkerEnd>;
  /** Resolves when the message is on its way; rejects when there is nobody to take it. */
  send(message: ToWorker): Promise<void>;
  /** `send`, to nobody if it is gone. */
  tell(message: ToWorker): void;
  /** Has it report; gives its process metrics, or undefined if it cannot now. */
  report(): Promise<string | undefined>;
  kill(): void;
}

export function startWorker(start: WorkerStart, { onRow, onReport, onNews }: WorkerListener): WorkerProcess {
  const worker = cluster.fork();
  const { process: child } = worker;
  const closeUntaken = rememberHanded(child);
  const listening = Promise.withResolvers<number>();
  let isListening = false;
  /** Of those who asked for a report, oldest first: each has an answer of its own, which says what the worker had heard by then. */
  const awaited: ((metrics: string | undefined) => void)[] = [];
  // A caller that never awaits it learns of the failure from `ended`.
  listening.promise.catch(() => {});
  child.on("error", listening.reject);
  worker.on("message", (message: FromWorker) => {
    switch (message.type) {
      case "listening":
        isListening = true;
        return listening.resolve(message.port);
      case "failed":
        return listening.reject(Object.assign(new Error(message.message), { code: message.code }));
      case "news":
        return onNews(message.news);
      case "report":
        onReport(message);
        if (message.processMetrics !== undefined) awaited.shift()?.(message.processMetrics);
    }
  });

  const hearOut = async (): Promise<WorkerEnd> => {
    // `openWorkers` has stdout piped. A broken pipe counts as one that ended in the middle of a row.
    const rows = relayLines(child.stdout!, onRow).catch(() => false);
    const [code, signal] = await closed(child);
    const isWhole = await rows;
    closeUntaken();
    listening.reject(new Error(`a worker ended before it listened (${signal ?? `exit code ${code}`})`));
    for (const resolve of awaited.splice(0)) resolve(undefined);
    return { code, signal, cutRow: !isWhole };
  };
  const send = (message: ToWorker): Promise<void> =>
    new Promise((resolve, reject) => {
      child.send(message, (error) => (error ? reject(error) : resolve()));
    });
  const tell = (message: ToWorker): void => void send(message).catch(() => {});
  tell(start);
  return {
    pid: child.pid,
    listening: listening.promise,
    isListening: () => isListening,
    ended: hearOut(),
    send,
    tell,
    report() {
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const late = setTimeout(resolve, REPORT_PATIENCE_MS, undefined);
      awaited.push((metrics) => {
        clearTimeout(late);
        resolve(metrics);
      });
      tell({ type: "report" });
      return promise;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/**
 * A process can be gone before its last messages and rows have been read; this waits for those too. (`disconnect` does not
 * come when it dies with a connection on the way to it.)
 */
function closed(child: ChildProcess): Promise<readonly [number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve([code, signal]));
    child.once("error", () => {
      if (child.pid === undefined) resolve([null, null]);
    });
  });
}

/**
 * node:cluster hands a worker one connection at a time and closes its own end when that has been taken, but never when the
 * worker dies before it has: the client would wait for ever. The returned function closes the last one; to call it twice does
 * no harm.
 */
function rememberHanded(child: ChildProcess): () => void {
  let close = (): void => {};
  const pass = child.send as (...args: unknown[]) => boolean; // Its overloads make some arguments optional; they are passed on as they come.
  child.send = (...args: unknown[]) => {
    const handle = args[1];
    if (typeof handle === "object" && handle !== null && "close" in handle) {
      if (typeof handle.close === "function") close = handle.close.bind(handle);
    }
    return pass.apply(child, args);
  };
  return () => close();
}
