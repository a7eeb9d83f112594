/**
 * Rows to a file descriptor, lossless: one write a tick whatever the number of rows, a reader that stalls is waited for,
 * and only past the bound are rows dropped, counted and reported.
 */
import { write } from "node:fs";
import type { Log } from "../../src/gateway/ports.ts";

/** Bytes kept while the reader stalls. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** A pipe that is full and does not block answers EAGAIN; it is asked again after this long. */
const RETRY_MS = 20;

export interface RowSink {
  write(line: string): void;
  /** Settles when all that was written before is out, or cannot go out any more. */
  flush(): Promise<void>;
}

export interface RowSinkOptions {
  readonly fd: number;
  readonly log: Log;
  /** Called once for each row that was lost. */
  readonly onLost: () => void;
  readonly maxQueuedBytes?: number;
}

export function createRowSink({ fd, log, onLost, maxQueuedBytes = MAX_QUEUED_BYTES }: RowSinkOptions): RowSink {
  let queue: string[] = [];
  let queuedBytes = 0;
  let lost = 0;
  let isWriting = false;
  let isBroken = false;
  let waiters: (() => void)[] = [];

  const lose = (rows: number): void => {
    if (lost === 0) log("error", "usage rows are being lost: nobody reads stdout", { max_queued_bytes: maxQueuedBytes });
    lost += rows;
    for (let i = 0; i < rows; i++) onLost();
  };

  const idle = (): void => {
    isWriting = false;
    if (lost > 0) log("error", "usage rows were lost", { rows: lost });
    lost = 0;
    for (const resolve of waiters) resolve();
    waiters = [];
  };

  const next = (): void => {
    if (queue.length === 0) return idle();
    const batch = Buffer.from(queue.join(""));
    const rows = queue.length;
    queue = [];
    writeAll(batch, 0, rows);
  };

  const writeAll = (batch: Buffer, from: number, rows: number): void => {
    write(fd, batch, from, batch.length - from, null, (error, written) => {
      if (error?.code === "EAGAIN") return void setTimeout(writeAll, RETRY_MS, batch, from, rows);
      if (error) {
        isBroken = true;
        log("error", "stdout cannot be written", { error: error.message });
        lose(rows + queue.length);
        queue = [];
        queuedBytes = 0;
        return idle();
      }
      queuedBytes -= written;
      if (from + written < batch.length) return writeAll(batch, from + written, rows);
      next();
    });
  };

  return {
    write(line) {
      const bytes = Buffer.byteLength(line) + 1;
      if (isBroken || queuedBytes + bytes > maxQueuedBytes) return lose(1);
      queue.push(`${line}\n`);
      queuedBytes += bytes;
      if (isWriting) return;
      isWriting = true;
      setImmediate(next);
    },
    flush: () => (isWriting ? new Promise((resolve) => waiters.push(resolve)) : Promise.resolve()),
  };
}
