/** Keeps a worker's deny-set in step with the primary's: the whole of it first, then each change as it comes. */
import type { LogEntry } from "../../../src/deny/log-format.ts";
import type { ServerDenySource } from "../../server/deny/index.ts";
import { type DenyBatch, packEntries } from "./deny-batches.ts";

/** Takes a worker a few milliseconds to apply. */
const BATCH_ENTRIES = 16_384;

/** Changes queued for a worker that cannot keep up; beyond this it gets the whole set instead. */
const MAX_QUEUED = 100_000;

/**
 * Returns a function that ends the feed. `send` resolves when the batch is on its way; it rejects when the worker is gone,
 * which ends the feed as well.
 */
export function feedDenies(
  source: Pick<ServerDenySource, "copy" | "follow">,
  send: (batch: DenyBatch) => Promise<void>,
): () => void {
  let queue: LogEntry[] = [];
  let mustReplace = true;
  let isSending = false;

  const sendAll = async (): Promise<void> => {
    while (mustReplace || queue.length > 0) {
      if (mustReplace) {
        // In one synchronous step: the copy holds every change so far, and the queue every later one.
        mustReplace = false;
        queue = [];
        await sendWhole(source.copy().entries(), send);
      } else {
        await send({ part: "changes", words: packEntries(queue.splice(0, BATCH_ENTRIES)) });
      }
    }
    isSending = false;
  };
  const start = (): void => {
    if (isSending) return;
    isSending = true;
    // In the next turn of the event loop, so that a burst of changes is one batch.
    setImmediate(() => void sendAll().catch(unfollow));
  };
  const unfollow = source.follow({
    changed(entry) {
      if (queue.length >= MAX_QUEUED) mustReplace = true;
      if (mustReplace) queue = [];
      else queue.push(entry);
      start();
    },
    replaced() {
      mustReplace = true;
      start();
    },
  });
  start();
  return unfollow;
}

async function sendWhole(
  entries: ReturnType<ReturnType<ServerDenySource["copy"]>["entries"]>,
  send: (batch: DenyBatch) => Promise<void>,
): Promise<void> {
  let bulk: LogEntry[] = [];
  for (const [id, deny] of entries) {
    bulk.push({ id, deny });
    if (bulk.length < BATCH_ENTRIES) continue;
    await send({ part: "bulk", words: packEntries(bulk) });
    bulk = [];
  }
  await send({ part: "last", words: packEntries(bulk) });
}
