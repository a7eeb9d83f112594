/**
 * Rows to a file descriptor, lossless: one write for all rows of some milliseconds, a reader that stalls is waited for,
 * and only past the bound are rows dropped, counted and reported.
 */
import { write } from "node:fs";
import type { Log } from "../../src/gateway/ports.ts";
import { unblock } from "./unblock.ts";

/** Bytes kept while the reader stalls. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** The most bytes in one write. */
const BATCH_BYTES = 64 * 1024;

/** How long rows are gathered for one write, which costs 8 to 10 µs of CPU and two thread switches. */
const GATHER_MS = 5;

/** Retried after RETRY_MS, doubling up to MAX_RETRY_MS. */
const RETRY_MS = 1;
const MAX_RETRY_MS = 20;

/** Errors that may pass: a full non-blocking pipe, a full disk, an interrupted call. */
const PASSING = new Set(["EAGAIN", "EINTR", "ENOBUFS", "ENOSPC", "EDQUOT"]);

const LINE_FEED = 0x0a;

export interface RowSink {
  write(line: string): void;
  /**
   * Settles when all that was written before is out or cannot go out any more. After `patienceMs` what is still
   * queued counts as lost.
   */
  flush(patienceMs?: number): Promise<void>;
}

export interface RowSinkOptions {
  readonly fd: number;
  readonly log: Log;
  /** Called once for each row that was lost. */
  readonly onLost: () => void;
  readonly maxQueuedBytes?: number;
}

export function createRowSink({
  fd,
  log,
  onLost,
  maxQueuedBytes = MAX_QUEUED_BYTES,
}: RowSinkOptions): RowSink {
  /**
   * The next batch. A row is encoded at once: text that is kept for later has left the CPU's cache by then, which costs
   * 2 µs a row on Bun and 1 µs on Node.
   */
  const gathered = Buffer.allocUnsafeSlow(BATCH_BYTES);
  let gatheredBytes = 0;
  /** Full batches, oldest first. */
  const batches: Buffer[] = [];
  /** Of `batches` and `batch`. */
  let queuedBytes = 0;
  /** What is left of the bytes that are being written. */
  let batch: Buffer = Buffer.alloc(0);
  let retryMs = RETRY_MS;
  let lost = 0;
  let isWriting = false;
  /** stdout is made non-blocking before the first write. */
  let isUnblocked = fd !== 1;
  let isBroken = false;
  let waiters: (() => void)[] = [];

  const lose = (count: number, why: string): void => {
    if (lost === 0 && count > 0) log("error", "usage rows are being lost", { why });
    lost += count;
    for (let i = 0; i < count; i++) onLost();
  };

  const reportLoss = (): void => {
    if (lost > 0) log("error", "usage rows were lost", { rows: lost });
    lost = 0;
  };

  const becomeIdle = (): void => {
    isWriting = false;
    reportLoss();
    for (const resolve of waiters) resolve();
    waiters = [];
  };

  /** Nothing more goes out: what is queued, a row cut in the middle included, is lost. */
  const giveUp = (why: string): void => {
    if (isBroken) return;
    isBroken = true;
    let left = countLines(batch);
    for (let next = takeBatch(); next; next = takeBatch()) left += countLines(next);
    lose(left, why);
    queuedBytes = 0;
    becomeIdle();
  };

  const gather = (line: string): void => {
    // What UTF-8 makes of it at most, and its line feed.
    const room = 3 * line.length + 1;
    if (gatheredBytes + room > BATCH_BYTES) closeBatch();
    if (room > BATCH_BYTES) return addBatch(Buffer.from(`${line}\n`));
    gatheredBytes += gathered.write(line, gatheredBytes);
    gathered[gatheredBytes++] = LINE_FEED;
  };

  const closeBatch = (): void => {
    if (gatheredBytes > 0) addBatch(Buffer.from(gathered.subarray(0, gatheredBytes)));
    gatheredBytes = 0;
  };

  const addBatch = (bytes: Buffer): void => {
    batches.push(bytes);
    queuedBytes += bytes.length;
  };

  const takeBatch = (): Buffer | undefined => {
    if (batches.length === 0) closeBatch();
    return batches.shift();
  };

  const writeNext = (): void => {
    // A write to a full pipe answers EAGAIN then.
    if (!isUnblocked) unblock("stdout");
    isUnblocked = true;
    const next = takeBatch();
    if (!next) return becomeIdle();
    batch = next;
    writeBatch();
  };

  const writeBatch = (): void => {
    if (isBroken) return;
    write(fd, batch, 0, batch.length, null, (error, written) => {
      if (isBroken) return;
      if (error && PASSING.has(error.code ?? "")) {
        setTimeout(writeBatch, retryMs);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
        return;
      }
      if (error) return giveUp(error.message);
      retryMs = RETRY_MS;
      queuedBytes -= written;
      batch = batch.subarray(written);
      if (batch.length > 0) writeBatch();
      else if (batches.length > 0 || gatheredBytes === 0 || waiters.length > 0) writeNext();
      else setTimeout(writeNext, GATHER_MS);
    });
  };

  return {
    write(line) {
      if (isBroken) return lose(1, "stdout is closed");
      if (queuedBytes + gatheredBytes + line.length >= maxQueuedBytes)
        return lose(1, `nobody reads stdout: ${maxQueuedBytes} bytes wait`);
      gather(line);
      if (isWriting) return;
      isWriting = true;
      setTimeout(writeNext, GATHER_MS);
    },
    async flush(patienceMs) {
      if (isWriting) {
        const impatience =
          patienceMs === undefined ? undefined : setTimeout(giveUp, patienceMs, "nobody reads stdout");
        await new Promise<void>((resolve) => waiters.push(resolve));
        clearTimeout(impatience);
      }
      reportLoss();
    },
  };
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
