/**
 * Random bytes, random mutations of the shared fixtures and random cuts into the scanners and taps, for as long as asked:
 * `node test/fuzz/scan.ts [seconds] [seed]`. Exits 1 on a throw, on an answer that depends on the cuts, or on growth.
 */
import { createRequestScanner } from "../../src/scan/request-scanner.ts";
import { createUsageFilter } from "../../src/scan/usage-filter.ts";
import { createUsageInjector } from "../../src/scan/usage-injection.ts";
import { createUsageTap } from "../../src/scan/usage-tap.ts";
import { wireOf } from "../../src/scan/wires.ts";
import { fixtures, readRequestCases } from "../unit/scan/fixtures.ts";
import { createRandom, cutAtRandom, pick, type Random } from "../unit/scan/wild-json.ts";

const MAX_BYTES = 20_000;
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
const TOKENS = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  "\r",
  "\n",
  "data: ",
  "\\u",
  "\\ud83d",
  "null",
  "true",
  '"usage":',
  '"stream_options":',
];

const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
console.log(`scan: seed ${seed}, ${seconds} s`);
const random = createRandom(seed);
const PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings"];
const seeds = [...fixtures, ...readRequestCases()].map(({ body }) => body.slice(0, MAX_BYTES));

function mutateBytes(body: Uint8Array, random: Random): Uint8Array {
  let bytes = body;
  for (let edits = Math.floor(random() * 6); edits > 0; edits--) {
    const at = Math.floor(random() * (bytes.length + 1));
    const skip = random() < 0.5 ? 0 : Math.floor(random() * 20);
    const insert =
      random() < 0.7 ? Buffer.from(pick(TOKENS, random)) : Buffer.from([Math.floor(random() * 256)]);
    bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + skip)]);
  }
  return bytes;
}

function readAll(chunks: readonly Uint8Array[], path: string): string {
  const tap = createUsageTap({ wire: wireOf(path), sse: undefined, status: 200 });
  const filter = createUsageFilter(tap, () => {
    throw new Error("the tap threw");
  });
  const shown = [...chunks.flatMap((chunk) => [...filter.push(chunk)]), ...filter.end()];
  const scanner = createRequestScanner();
  const injector = createUsageInjector();
  const sent = chunks.flatMap((chunk) => {
    scanner.push(chunk);
    return [...injector.push(chunk)];
  });
  scanner.end();
  sent.push(...injector.end());
  const { model, stream, textBytes, done } = scanner;
  return JSON.stringify([
    tap.result(),
    Buffer.concat(shown).toString("latin1"),
    Buffer.concat(sent).toString("latin1"),
    model,
    stream,
    textBytes,
    done,
  ]);
}

let runs = 0;
let baseline = 0;
const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  const body = mutateBytes(pick(seeds, random), random);
  const path = pick(PATHS, random);
  const whole = readAll([body], path);
  if (readAll(cutAtRandom(body, random), path) !== whole) {
    console.error(
      `run ${runs}: the answer depends on the cuts, on ${path}: ${Buffer.from(body).toString("base64")}`,
    );
    process.exit(1);
  }
  runs++;
  if (runs === 2000) baseline = process.memoryUsage().arrayBuffers;
}
const growth = baseline === 0 ? 0 : process.memoryUsage().arrayBuffers - baseline;
console.log(`scan: ${runs} bodies, ${(growth / 1e6).toFixed(1)} MB of growth`);
if (growth > MAX_GROWTH_BYTES) process.exit(1);
