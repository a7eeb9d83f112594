/**
 * From the acknowledged put of a deny to the first 402, and from the delete to the first 200, through a gateway process
 * on one host: `node bench/deny-latency.ts`. The time holds one request's own.
 */
import { performance } from "node:perf_hooks";
import { ask, startDenyLab } from "../test/support/deny-gateway.ts";
import { createNatsServer } from "../test/support/nats-server.ts";
import { startOnNode } from "../test/support/runtimes.ts";

const WRITES = 200;

const nats = await createNatsServer();
await nats.start();
const kv = await nats.bucket("ai-gateway");
const lab = await startDenyLab(startOnNode);
const gateway = await lab.start({ nats_url: nats.url });

const requestMs: number[] = [];
const denyMs: number[] = [];
const restoreMs: number[] = [];
for (let write = 0; write < WRITES; write++) {
  const tenant = String(1000 + write);
  const key = `blackhole.${tenant}`;
  requestMs.push(await timeTo(200, tenant));
  await kv.put(key, "spend");
  denyMs.push(await timeTo(402, tenant));
  await kv.delete(key);
  restoreMs.push(await timeTo(200, tenant));
}
report("one request, for comparison", requestMs);
report("acknowledged put to first 402", denyMs);
report("acknowledged delete to first 200", restoreMs);
await lab.stop();
await nats.dispose();

async function timeTo(status: number, tenant: string): Promise<number> {
  const start = performance.now();
  while ((await ask(gateway, tenant)) !== status);
  return performance.now() - start;
}

function report(name: string, samples: number[]): void {
  samples.sort((a, b) => a - b);
  const at = (share: number): string => samples[Math.ceil(samples.length * share) - 1]!.toFixed(2);
  console.log(
    `${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms over ${samples.length} writes`,
  );
}
