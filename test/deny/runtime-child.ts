/** A gateway's deny-set in a process of its own, for runtimes.test.ts: prints what it thinks of tenant 1 as that changes. */

import { createServerDenySource } from "../../adapters/server/deny/index.ts";

const [natsUrl, snapshotPath] = process.argv.slice(2);
const source = createServerDenySource({
  natsUrl: natsUrl || undefined,
  bucket: "ai-gateway",
  snapshotPath,
  rescanSecs: 0,
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  log: () => undefined,
  backoff: { minMs: 10, maxMs: 50, stableMs: 60_000 },
});
await source.start();
let printed = "";
const timer = setInterval(() => {
  const state = `${source.connected()} ${source.lookup("1", undefined)}\n`;
  if (state !== printed) process.stdout.write(state);
  printed = state;
}, 2);
// The end of stdin is the order to stop, and the exit by itself shows that nothing is left open.
process.stdin.resume().once("end", async () => {
  clearInterval(timer);
  await source.close();
});
