/**
 * `npm run soak -- [--minutes 10] [--seed N] [--runtime node|bun]`: mixed traffic with faults against one gateway, and
 * whether its memory, sockets, timers and gauges hold. Prints a table; ends with 1 when something does not.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parseExposition } from "../test/ops/exposition.ts";
import { readKeyVectors } from "../test/support/fixtures.ts";
import { type RunningGateway, startGatewayProcess } from "../test/support/gateway-process.ts";
import { startSoakProvider } from "./soak/provider.ts";
import { createRandom } from "./soak/random.ts";
import { faultsOf, type Reading, readGateway } from "./soak/readings.ts";
import { playOnce, startTraffic } from "./soak/traffic.ts";

const CLIENTS = 48;
const READINGS = 60;
/** Pooled connections and the linger of refused uploads are all over by then. */
const REST_MS = 15_000;
/** Nobody listens on the discard port. */
const DOWN = "127.0.0.1:9";

/** So that what memory still grows by is kept, and not garbage that V8 sees no need to collect yet. */
const COLLECT = ["--expose-gc", "--import", "data:text/javascript,setInterval(gc, 2000).unref()"];

const COMMANDS = {
  node: [process.execPath, ...COLLECT, "adapters/node/bin.ts", "serve"],
  bun: ["node_modules/.bin/bun", "adapters/bun/bin.ts", "serve"],
} as const;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    runtime: { type: "string", default: "node" },
  },
});
const totalMs = Number(values.minutes) * 60_000;
const seed = Number(values.seed);
const command = COMMANDS[values.runtime === "bun" ? "bun" : "node"];

const provider = await startSoakProvider();
const gateway = await startGatewayProcess(command, {
  config: {
    listen: "127.0.0.1:0",
    metrics_listen: "127.0.0.1:0",
    signing_keys: readKeyVectors().signing_keys,
    pool_keys: { openai: ["pool-soak-1", "pool-soak-2"], down: "pool-soak-3" },
    provider_authorities: { openai: provider.authority, down: DOWN },
    upstream_tls: false,
    rate_limit_rps: 0,
    byo_rate_limit_rps: 0,
    circuit_breaker_threshold: 0,
    read_timeout_secs: 1,
    idle_timeout_secs: 2,
    shutdown_delay_secs: 0,
    log_level: "error",
  },
});
console.log(`${values.runtime}, ${values.minutes} minutes, ${CLIENTS} clients, --seed ${seed}\n`);

const adminUrl = adminUrlOf(gateway);
await playOnce(gateway.url);
await delay(REST_MS);
const fresh = await readGateway(adminUrl, 0);
console.log("| secs | requests | RSS MB | heap MB | open files | timers | in flight | streams |");
console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
print(fresh);
const traffic = startTraffic(gateway.url, createRandom(seed), CLIENTS);
const readings: Reading[] = [];
const beganMs = performance.now();
while (readings.length < READINGS) {
  await delay(totalMs / READINGS);
  const reading = await readGateway(adminUrl, (performance.now() - beganMs) / 1000);
  readings.push(reading);
  if (readings.length % 6 === 0) print(reading);
}
await traffic.stop();
await delay(REST_MS);
const rested = await readGateway(adminUrl, (performance.now() - beganMs) / 1000);
print(rested);
const countedRows = await countRows(adminUrl);
const upstreamSockets = await provider.openSockets();
await gateway.stop();
provider.close();

console.log("\n| what | how often |\n| --- | ---: |");
for (const [outcome, count] of [...traffic.outcomes].sort()) console.log(`| ${outcome} | ${count} |`);
const faults = faultsOf({
  fresh,
  readings,
  rested,
  stderr: gateway.stderr(),
  rows: gateway.rawRows().length,
  countedRows,
});
if (upstreamSockets > 0) faults.push(`${upstreamSockets} connections to the provider were left open`);
console.log(faults.length === 0 ? "\nIt holds." : `\nIt does not hold:\n- ${faults.join("\n- ")}`);
process.exitCode = faults.length === 0 ? 0 : 1;

function print({ secs, requests, rssMb, heapMb, openFiles, timers, inFlight, streams }: Reading): void {
  console.log(`| ${[secs, requests, rssMb, heapMb, openFiles, timers, inFlight, streams].join(" | ")} |`);
}

/** It stands in the line that says that it listens; an `info` line, so it is found whatever the level. */
function adminUrlOf({ stderr }: RunningGateway): string {
  const url = /"admin_url":"([^"]+)"/.exec(stderr())?.[1];
  if (url === undefined) throw new Error(`no admin listener: ${stderr()}`);
  return url;
}

async function countRows(url: string): Promise<number> {
  const families = parseExposition(await (await fetch(`${url}/metrics`)).text());
  return [...(families.get("ai_usage_rows_total")?.samples.values() ?? [])].reduce((sum, n) => sum + n, 0);
}
