/**
 * `npm run floods -- [--runtime node] [--kind forged] [--secs 10]`: how long good requests, 200 a second, take while
 * somebody floods the gateway, and while nobody does. Prints a table; ends with 1 when a good request fails, or when
 * their p99 is over the bound of issue 8. Both runtimes and all kinds of flood unless told.
 */
import { parseArgs } from "node:util";
import { FLOOD_KINDS, type FloodKind, floodDuring, runGoodLoad, TENANTS } from "../test/floods/flood.ts";
import { readKeyVectors } from "../test/support/fixtures.ts";
import { startOnBun, startOnNode } from "../test/support/runtimes.ts";
import { describeMachine } from "./http/machine.ts";
import { startPrintingPort } from "./http/target.ts";

const RUNTIMES = { node: startOnNode, bun: startOnBun } as const;
/** Of each tenant; the first requests of all compile the gateway. */
const WARM_UP = 20;
/** Issue 8: five times the quiet p99, or this, whichever is more. */
const BOUND = { timesQuiet: 5, ms: 50 } as const;

const { values } = parseArgs({
  options: {
    runtime: { type: "string", multiple: true, default: Object.keys(RUNTIMES) },
    kind: { type: "string", multiple: true, default: [...FLOOD_KINDS] },
    secs: { type: "string", default: "10" },
  },
});
const isAsked = (list: readonly string[]) => (name: string) => list.includes(name);
const count = 200 * Number(values.secs);

const { date, cpu, cores, loadBefore } = describeMachine(undefined);
console.log(`${date}, ${cpu}, ${cores} cores, load before ${loadBefore}; ${values.secs} s each\n`);
console.log(
  "| runtime | flood | a second | let through a second | p50 | p99 | p50 quiet | p99 quiet | good ones failed | |",
);
console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
for (const runtime of (["node", "bun"] as const).filter(isAsked(values.runtime)))
  for (const kind of FLOOD_KINDS.filter(isAsked(values.kind))) await measure(runtime, kind);

/** One gateway and one kind of flood: a line of the table. */
async function measure(runtime: keyof typeof RUNTIMES, kind: FloodKind): Promise<void> {
  const provider = await startPrintingPort([process.execPath, "bench/http/provider.ts"]);
  const gateway = await RUNTIMES[runtime]({
    config: {
      listen: "127.0.0.1:0",
      metrics_listen: "127.0.0.1:0",
      signing_keys: readKeyVectors().signing_keys,
      pool_keys: { openai: "sk-pool-1" },
      provider_authorities: { openai: new URL(provider.origin).host },
      upstream_tls: false,
      shutdown_delay_secs: 0,
    },
  });
  await runGoodLoad(gateway.url, WARM_UP * TENANTS);
  const quiet = await runGoodLoad(gateway.url, count);
  const { flood, result } = await floodDuring(gateway.url, kind, () => runGoodLoad(gateway.url, count));
  await gateway.stop();
  await provider.stop();

  const { "429": refused = 0, ...others } = flood.statuses;
  const passed = Object.values(others).reduce((sum, n) => sum + n, 0);
  const failed = 2 * count - (quiet.statuses[200] ?? 0) - (result.statuses[200] ?? 0);
  const holds = failed === 0 && result.p99Ms <= Math.max(BOUND.timesQuiet * quiet.p99Ms, BOUND.ms);
  const rates = [passed + refused, passed].map((n) => Math.round(n / flood.secs));
  const times = [result.p50Ms, result.p99Ms, quiet.p50Ms, quiet.p99Ms].map((ms) => `${ms.toFixed(1)} ms`);
  console.log(
    `| ${[runtime, kind, ...rates, ...times, failed, holds ? "holds" : "DOES NOT HOLD"].join(" | ")} |`,
  );
  if (!holds) process.exitCode = 1;
}
