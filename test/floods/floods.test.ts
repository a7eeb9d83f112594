/**
 * While somebody floods the gateway, nobody else is refused, failed or billed for it. How little they
 * notice in milliseconds is measured by `npm run floods`.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMPLETION, metric, rowsIn } from "../holds/lab.ts";
import { configOver, RUNTIMES, type Served, startServed } from "../ops/served.ts";
import { json } from "../support/answers.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { type FloodKind, type FloodResult, floodDuring, runGoodLoad, TENANTS } from "./flood.ts";

/** Of each tenant: less than its ceiling even when a slow machine sends all of them at once. */
const EACH = 20;
/** Low enough that every machine's flood is over them. */
const RATES = { rate_limit_rps: 2 * EACH, byo_rate_limit_rps: 50, verify_rps: 50 } as const;

describe.each(RUNTIMES)("200 good requests a second on $runtime", (runtime) => {
  let standIn: StandIn;
  let gateway: Served;
  beforeEach(async () => {
    standIn = await startStandIn(json(200, COMPLETION));
    gateway = await startServed(runtime, configOver(standIn.authority, RATES));
  });
  afterEach(() => standIn.close());

  /** Floods, and checks what must hold whatever the flood is. Gives what came of it, and how much of it reached the provider. */
  async function expectUnharmed(kind: FloodKind): Promise<{ flood: FloodResult; passed: number }> {
    // The first request with a key is verified like a forged one, and may be refused like it.
    expect((await runGoodLoad(gateway.url, TENANTS)).statuses).toEqual({ 200: TENANTS });
    const { flood, result } = await floodDuring(gateway.url, kind, () =>
      runGoodLoad(gateway.url, EACH * TENANTS),
    );
    expect(result.statuses).toEqual({ 200: EACH * TENANTS });
    const good = standIn.requests.filter((seen) => seen.header("authorization")[0] === "Bearer sk-pool-1");
    expect(good).toHaveLength((EACH + 1) * TENANTS);
    await until(async () => (await metric(gateway.adminUrl, "ai_requests_in_flight")) === 0);
    expect(await metric(gateway.adminUrl, 'ai_circuit_open{provider="openai"}')).toBe(0);
    gateway.process.child.kill("SIGTERM");
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    const rows = rowsIn(stdout);
    const tenants = rows.map(({ tenant_id }) => Number(tenant_id)).sort((a, b) => a - b);
    expect(tenants).toEqual(
      Array.from({ length: (EACH + 1) * TENANTS }, (_, n) => 1 + Math.floor(n / (EACH + 1))),
    );
    for (const row of rows) expect(row).toMatchObject({ outcome: "ok", input_tokens: 3, output_tokens: 2 });
    return { flood, passed: standIn.requests.length - good.length };
  }

  /** A rate lets a second's worth through at once, and then as much a second. */
  const atMost = (rps: number, { secs }: FloodResult): number => rps * (secs + 1) + 1;

  it("all succeed under a flood of distinct forged keys, of which only verify_rps are verified", async () => {
    const { flood, passed } = await expectUnharmed("forged");
    expect(passed).toBe(0);
    expect(Object.keys(flood.statuses)).toEqual(["401", "429"]);
    expect(flood.statuses["401"]).toBeLessThanOrEqual(atMost(RATES.verify_rps, flood));
  });

  it("all succeed beside one key that runs away, which is held to its own rate", async () => {
    const { flood, passed } = await expectUnharmed("runaway");
    expect(passed).toBe(0);
    expect(Object.keys(flood.statuses)).toEqual(["401", "429"]);
    expect(flood.statuses["401"]).toBeLessThanOrEqual(atMost(RATES.rate_limit_rps, flood));
  });

  it("all succeed under a flood of junk keys of the clients' own, which share one rate", async () => {
    const { flood, passed } = await expectUnharmed("byo");
    expect(Object.keys(flood.statuses)).toEqual(["200", "429"]);
    expect(passed).toBeLessThanOrEqual(atMost(RATES.byo_rate_limit_rps, flood));
  });
});
