/** `npm run bench`: the hot path's parts one by one, beside the bars of issue 6. On Bun: `npx bun bench/micro.ts`. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { MicroCase } from "./micro/case.ts";
import { denyCases } from "./micro/deny.ts";
import { keyCases } from "./micro/keys.ts";
import { limitCases } from "./micro/limit.ts";
import { type MicroResult, measureCase } from "./micro/measure.ts";
import { scannerCases } from "./micro/scanner.ts";
import { tapCases } from "./micro/tap.ts";
import { describeRuntime } from "./runtime.ts";
import { table } from "./table.ts";

const USAGE = `npm run bench -- [--filter TEXT] [--json FILE]
  --filter TEXT   only what has TEXT in its name
  --json FILE     write the figures there`;

const { values } = parseArgs({
  options: { filter: { type: "string", default: "" }, json: { type: "string" }, help: { type: "boolean" } },
});

async function bench(filter: string, jsonFile: string | undefined): Promise<void> {
  const groups = [scannerCases, tapCases, limitCases, denyCases, keyCases];
  const results: MicroResult[] = [];
  for (const cases of groups) {
    for (const one of (await cases()).filter(({ name }) => name.includes(filter))) {
      console.error(one.name);
      results.push(await measureCase(one));
    }
  }
  console.log(`${describeRuntime()}\n\n${table([HEAD, ...results.map(rowOf)])}`);
  if (jsonFile)
    writeFileSync(jsonFile, `${JSON.stringify({ runtime: describeRuntime(), results }, null, 1)}\n`);
}

const HEAD = ["part", "measured", "heap a call", "bar", ""];

const rowOf = ({ name, ns, mbPerSec, heapBytes, bar, met }: MicroResult): string[] => [
  name,
  mbPerSec === undefined ? `${ns.toFixed(0)} ns` : `${mbPerSec.toFixed(0)} MB/s`,
  // Over a whole body it is what the garbage collector left, and says nothing.
  heapBytes === undefined || mbPerSec !== undefined ? "–" : `${heapBytes.toFixed(1)} B`,
  bar === undefined ? "" : textOf(bar),
  met === undefined ? "" : met ? "met" : "NOT MET",
];

const textOf = (bar: NonNullable<MicroCase["bar"]>): string =>
  "atLeastMbPerSec" in bar
    ? `≥ ${bar.atLeastMbPerSec} MB/s`
    : `≤ ${bar.atMostNs} ns${bar.noHeap ? ", nothing allocated" : ""}`;

if (values.help) console.log(USAGE);
else await bench(values.filter, values.json);
