/** Issue 8, part 6: while somebody floods the gateway, nobody else notices. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CHAT, COMPLETION, metric } from "../holds/lab.ts";
import { configOver, RUNTIMES, type Served, startServed } from "../ops/served.ts";
import { json } from "../support/answers.ts";
import { type LoadResult, runSteadyLoad } from "../support/http-load.ts";
import { mint } from "../support/mint.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { floodDuring } from "./flood.ts";

const CONNECTIONS = 32;
const GOOD = { perSecond: 200, count: 1000 } as const;
/** The bound of the issue: five times the quiet p99, or this. */
const BOUND_MS = 50;

const TENANTS = Array.from({ length: 20 }, (_, n) => mint({ tenantId: String(n + 1), keyId: "1" }));

describe.each(RUNTIMES)("200 good requests a second on $runtime", (runtime) => {
  let standIn: StandIn;
  let gateway: Served;
  beforeEach(async () => {
    standIn = await startStandIn(json(200, COMPLETION));
    gateway = await startServed(runtime, configOver(standIn.authority));
  });
  afterEach(() => standIn.close());

  const good = (count: number = GOOD.count): Promise<LoadResult> =>
    runSteadyLoad({
      url: gateway.url + CHAT,
      perSecond: GOOD.perSecond,
      count,
      request: (n) => ({
        headers: {
          authorization: `Bearer ${TENANTS[n % TENANTS.length]}`,
          "content-type": "application/json",
        },
        body: '{"model":"m","messages":[]}',
      }),
    });

  /** Before and during a flood. */
  const measure = async (kind: "forged" | "runaway" | "byo") => {
    // The first requests of all compile the gateway.
    await good(200);
    const quiet = await good();
    const { flood, result } = await floodDuring(gateway.url, kind, CONNECTIONS, good);
    console.log(
      `${runtime.runtime}, ${kind}: p99 ${quiet.p99Ms.toFixed(1)} ms quiet, ${result.p99Ms.toFixed(1)} ms under ${flood.perSecond} a second`,
    );
    return { quiet, flood, result };
  };

  it("all succeed in time under a flood of distinct forged keys, of which only verify_rps are verified", async () => {
    const { quiet, flood, result } = await measure("forged");
    expect(result.statuses).toEqual({ 200: GOOD.count });
    expect(result.p99Ms).toBeLessThan(Math.max(5 * quiet.p99Ms, BOUND_MS));
    expect(["401", "429"]).toEqual(expect.arrayContaining(Object.keys(flood.statuses)));
    expect(await metric(gateway.adminUrl, "ai_requests_in_flight")).toBe(0);
  });

  it("all succeed in time beside one key that runs away, which is held to its own rate", async () => {
    const { quiet, flood, result } = await measure("runaway");
    expect(result.statuses).toEqual({ 200: GOOD.count });
    expect(result.p99Ms).toBeLessThan(Math.max(5 * quiet.p99Ms, BOUND_MS));
    expect(flood.statuses["429"]).toBeGreaterThan(10 * flood.statuses["401"]!);
  });

  it("all succeed in time under a flood of junk keys of the clients' own, which share one rate", async () => {
    const { quiet, flood, result } = await measure("byo");
    expect(result.statuses).toEqual({ 200: GOOD.count });
    expect(result.p99Ms).toBeLessThan(Math.max(5 * quiet.p99Ms, BOUND_MS));
    expect(flood.statuses["429"]).toBeGreaterThan(0);
    expect(await metric(gateway.adminUrl, 'ai_rejections_total{reason="byo_rate_limited"}')).toBeGreaterThan(
      0,
    );
  });
});
