/**
 * A process with a row sink on its stdout, for tests that stop reading it: `sink-writer.ts COUNT MAX_QUEUED_BYTES`.
 * Says `written` on stderr when all rows are handed over, then `ticks` (the event loop is alive), and at the end what was lost.
 */
import { createRowSink } from "../../adapters/server/row-sink.ts";

const [count = 0, maxQueuedBytes = 0, patienceMs = 0] = process.argv.slice(2).map(Number);
const say = (message: string, fields: Record<string, unknown> = {}): void =>
  console.error(JSON.stringify({ message, ...fields }));

let lost = 0;
const sink = createRowSink({
  fd: 1,
  log: (_level, message, fields) => say(message, fields),
  onLost: () => {
    lost++;
  },
  maxQueuedBytes,
});
for (let n = 0; n < count; n++) sink.write(JSON.stringify({ n, pad: "é".repeat(250) }));
say("written");
await sink.flush(patienceMs > 0 ? patienceMs : undefined);
say("flushed", { lost });
process.exit(0);
