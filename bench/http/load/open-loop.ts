/** Requests at a fixed rate, whether the ones before are answered or not: how long an answer takes when nothing is saturated. */
import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "undici";
import { percentile } from "../statistics.ts";
import { SMALL_BODY } from "./bodies.ts";
import { type LoadOptions, type LoadResult, readOptions, tell } from "./load.ts";

export interface OpenLoopOptions extends LoadOptions {
  readonly perSecond: number;
  readonly secs: number;
}

/** From the sending to the last byte. */
export interface Latencies extends LoadResult {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const { origin, path, headers, perSecond, secs } = readOptions<OpenLoopOptions>();
const pool = new Pool(origin, { pipelining: 1 });
const latencies: number[] = [];
let failed = 0;

async function ask(): Promise<void> {
  const start = performance.now();
  try {
    const response = await pool.request({ method: "POST", path, headers, body: SMALL_BODY });
    for await (const _chunk of response.body);
    if (response.statusCode === 200) latencies.push(performance.now() - start);
    else failed++;
  } catch {
    failed++;
  }
}

const start = performance.now();
const asked: Promise<void>[] = [];
for (let i = 0; i < perSecond * secs; i++) {
  const due = start + (i * 1000) / perSecond;
  if (due > performance.now()) await delay(due - performance.now());
  asked.push(ask());
}
await Promise.all(asked);
const result: Latencies = {
  answered: latencies.length,
  failed,
  p50Ms: percentile(latencies, 0.5),
  p99Ms: percentile(latencies, 0.99),
};
tell(result);
