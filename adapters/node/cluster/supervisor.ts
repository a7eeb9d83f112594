/** Keeps a number of workers running: all of them listen or none does, one that dies is replaced, and they end together. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../../src/gateway/ports.ts";
import { createPauses } from "../../server/backoff.ts";
import type { OpenServer } from "../../server/runtime.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** Between the death of a worker and the start of the next one. */
const RESTART = { minMs: 100, maxMs: 30_000, stableMs: 5_000 };

/** How long a worker may take to write its last rows and exit once its connections were ended, in milliseconds. */
const LAST_MS = 20_000;

export interface SupervisorOptions {
  readonly count: number;
  /** Starts the worker of that number, from 1. */
  readonly start: (number: number) => WorkerProcess;
  readonly log: Log;
}

/** Settles when all listen; if one cannot, rejects with its error, and the others are gone. */
export async function supervise({ count, start, log }: SupervisorOptions): Promise<OpenServer> {
  const stopping = new AbortController();
  const alive = new Map<number, WorkerProcess>();
  const begin = (number: number): WorkerProcess => {
    const worker = start(number);
    alive.set(number, worker);
    worker.listening.then(
      () => log("info", "worker started", { worker: number, pid: worker.pid }),
      () => {}, // Reported by whoever awaits it.
    );
    return worker;
  };
  const killAll = (): void => {
    for (const worker of alive.values()) worker.kill();
  };
  const first = Array.from({ length: count }, (_, i) => begin(i + 1));
  const [port = 0] = await Promise.all(first.map(({ listening }) => listening)).catch((error: unknown) => {
    killAll();
    throw error;
  });

  /** Resolves when the last process of that number is gone. */
  const keep = async (number: number, worker: WorkerProcess): Promise<void> => {
    const pauseAfter = createPauses(RESTART);
    for (let current = worker; ; current = begin(number)) {
      const sinceMs = performance.now();
      const { code, signal } = await current.ended;
      alive.delete(number);
      const who = { worker: number, pid: current.pid, code, signal };
      if (stopping.signal.aborted) {
        if (code !== 0) log("error", "a worker ended before it had drained", who);
        return;
      }
      const error = await current.listening.then(() => undefined, String);
      if (error === undefined) log("error", "a worker has ended and is replaced", who);
      else log("error", "a worker cannot start and is tried again", { ...who, error });
      const pauseMs = pauseAfter(performance.now() - sinceMs);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
    }
  };
  const kept = first.map((worker, i) => keep(i + 1, worker));

  const tellAll = (type: "drain" | "destroy"): void => {
    stopping.abort();
    for (const worker of alive.values()) worker.tell({ type });
  };
  return {
    port,
    async close() {
      tellAll("drain");
      await Promise.all(kept);
    },
    destroy() {
      tellAll("destroy");
      setTimeout(killAll, LAST_MS).unref();
    },
  };
}
