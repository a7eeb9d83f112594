/**
 * From the acknowledged put of a deny to the first lookup that refuses, and from the delete to the first that does not,
 * on one host: `node bench/deny-latency.ts`. It asks the set itself; a request adds its own time.
 */

import { performance } from "node:perf_hooks";
import { createServerDenySource } from "../adapters/server/deny/index.ts";
import { createNatsServer } from "../test/support/nats-server.ts";

const WRITES = 200;
const BUCKET = "ai-gateway";

const server = await createNatsServer();
await server.start();
const kv = await server.bucket(BUCKET);
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const source = createServerDenySource({
  natsUrl: server.url,
  bucket: BUCKET,
  rescanSecs: 300,
  clock,
  log: () => undefined,
});
await source.start();

const denyMs: number[] = [];
const restoreMs: number[] = [];
for (let tenant = 0; tenant < WRITES; tenant++) {
  const key = `blackhole.${tenant}`;
  denyMs.push(
    await settle(
      () => kv.put(key, "spend"),
      () => source.lookup(String(tenant), undefined) === "spend",
    ),
  );
  restoreMs.push(
    await settle(
      () => kv.delete(key),
      () => source.lookup(String(tenant), undefined) === undefined,
    ),
  );
}
report("deny in force after the acknowledged put", denyMs);
report("restored after the acknowledged delete", restoreMs);

await source.close();
await server.dispose();

/** 0 when the change was in force before its acknowledgement had come back. */
async function settle(write: () => Promise<unknown>, isInForce: () => boolean): Promise<number> {
  await write();
  const acknowledged = performance.now();
  while (!isInForce()) await new Promise(setImmediate);
  return performance.now() - acknowledged;
}

function report(name: string, samples: number[]): void {
  samples.sort((a, b) => a - b);
  const at = (share: number): string => samples[Math.ceil(samples.length * share) - 1]!.toFixed(2);
  console.log(
    `${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms over ${samples.length} writes`,
  );
}
