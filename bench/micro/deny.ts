/**
 * The deny-set at a million entries: memory, the cost of a lookup, and what a lookup allocates.
 * `node --expose-gc bench/micro/deny.ts`; without --expose-gc the heap figures are missing.
 */

import { DenySet } from "../../src/deny/deny-set.ts";

const ENTRIES = 1_000_000;
const LOOKUPS = 5_000_000;
const HEAP_LOOKUPS = 10_000;
const TEXTS = 100_000;

/** Ids spread over the whole of u64, as flat strings. */
const idOf = (n: number): bigint => BigInt.asUintN(64, BigInt(n) * 0x9e37_79b9_7f4a_7c15n);
const texts = (from: number): string[] =>
  Array.from({ length: TEXTS }, (_, n) => Buffer.from(String(idOf(from + n))).toString("latin1"));

const set = new DenySet(Date.now);
let peakBytes = 0;
let longestMs = 0;
const start = performance.now();
for (let n = 0; n < ENTRIES; n++) {
  const id = idOf(n);
  const before = set.byteLength;
  const began = performance.now();
  set.set(
    { kind: n % 2 === 0 ? "tenant" : "key", high: Number(id >> 32n), low: Number(id & 0xffff_ffffn) },
    { reason: "spend", expiresAt: n % 4 === 0 ? 0xffff_ffff : 0 },
  );
  longestMs = Math.max(longestMs, performance.now() - began);
  if (set.byteLength !== before) peakBytes = Math.max(peakBytes, before + set.byteLength);
}
console.log(
  `fill: ${ENTRIES} entries in ${(performance.now() - start).toFixed(0)} ms, the longest ${longestMs.toFixed(1)} ms`,
);
console.log(`memory: ${mb(set.byteLength)}, ${mb(peakBytes)} while it doubles`);

const denied = texts(0);
const allowed = texts(ENTRIES);
// Every other id is a key; every fourth expires, and its lookup pays for the number that `Date.now` makes.
const lasting = denied.filter((_, n) => n % 4 === 2);
const expiring = denied.filter((_, n) => n % 4 === 0);
measure("denied", lasting, (text) => set.lookup("tenant", text) === "spend");
measure("denied until some time", expiring, (text) => set.lookup("tenant", text) === "spend");
measure("allowed", allowed, (text) => set.lookup("tenant", text) === undefined);

const scan = performance.now();
set.clearMarks();
let removed = 0;
set.sweepUnmarked(() => removed++);
console.log(`sweep that removes all ${removed}: ${(performance.now() - scan).toFixed(0)} ms`);

function measure(name: string, ids: readonly string[], isRight: (text: string) => boolean): void {
  const began = performance.now();
  for (let n = 0; n < LOOKUPS; n++)
    if (!isRight(ids[n % ids.length]!)) throw new Error(`${name}: a wrong answer`);
  const ns = ((performance.now() - began) * 1e6) / LOOKUPS;
  const bytes = heapGrowth(ids, isRight) - heapGrowth(ids, (text) => text !== "");
  const heap = globalThis.gc === undefined ? "" : `, ${(bytes / HEAP_LOOKUPS).toFixed(1)} B of heap`;
  console.log(`lookup, ${name}: ${ns.toFixed(0)} ns${heap}`);
}

/** Over too few lookups for a collection to come between and hide what they allocate. */
function heapGrowth(ids: readonly string[], lookup: (text: string) => boolean): number {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < HEAP_LOOKUPS; n++) lookup(ids[n % ids.length]!);
  return process.memoryUsage().heapUsed - before;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
