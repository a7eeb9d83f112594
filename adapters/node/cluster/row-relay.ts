/** Takes whole lines out of what a worker writes. */
import { setTimeout as delay } from "node:timers/promises";

/**
 * After less than this, in bytes, the next read waits a little, in milliseconds, so that a busy worker's rows come many at a
 * time: a read for every few rows was most of what the primary did. One that has much to say is read at once.
 */
const SMALL_READ = 32 * 1024;
const PAUSE_MS = 5;

/** Resolves at the end of the stream, false if it ended in the middle of a line, which is then dropped. */
export async function relayLines(
  stream: AsyncIterable<Buffer>,
  onLine: (line: string) => void,
): Promise<boolean> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const bytes = Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf("\n");
    // Decoded only up to a line's end, so that no character is cut.
    if (end !== -1) for (const line of bytes.toString("utf8", 0, end).split("\n")) onLine(line);
    rest = bytes.subarray(end + 1);
    if (chunk.length < SMALL_READ) await delay(PAUSE_MS);
  }
  return rest.length === 0;
}
