/**
 * The accounting run: thousands of requests at random through a real gateway, and books that must balance. The seed is
 * printed; `ACCOUNTING_SEED` repeats a run and `ACCOUNTING_REQUESTS` makes it longer.
 */
import { describe, expect, it } from "vitest";
import type { Row } from "../support/rows.ts";
import { startOnBun, startOnNode } from "../support/runtimes.ts";
import { until } from "../support/until.ts";
import { type Asked, askAll } from "./accounting-client.ts";
import { type Fault, planRequests, type RequestPlan } from "./accounting-plan.ts";
import { createMeeting, createProvider } from "./accounting-provider.ts";
import { metric, useLab } from "./lab.ts";

const SEED = Number(process.env.ACCOUNTING_SEED ?? Math.floor(Math.random() * 2 ** 32));
const COUNT = Number(process.env.ACCOUNTING_REQUESTS ?? 5_000);
const CONCURRENCY = 32;
const RUNTIMES = { Node: { start: startOnNode, count: COUNT }, Bun: { start: startOnBun, count: COUNT / 5 } };

const OUTCOMES: Readonly<Record<Fault, string>> = {
  none: "ok",
  stall: "ok",
  "reset-before-head": "upstream_error",
  "cut-by-fin": "cut_short",
  "cut-by-rst": "cut_short",
  "status-429": "upstream_error",
  "status-500": "upstream_error",
  "left-before-head": "client_cancelled",
  "left-in-body": "client_cancelled",
  "left-in-upload": "client_cancelled",
};

for (const [name, { start, count }] of Object.entries(RUNTIMES))
  describe(`an accounting run on ${name}`, () => {
    const lab = useLab({}, start);

    it("balances: one row for each admitted managed request, the provider's own counts in them", async () => {
      console.info(`ACCOUNTING_SEED=${SEED} ACCOUNTING_REQUESTS=${COUNT}`);
      const plans = planRequests(SEED, count);
      const meetings = plans.map(createMeeting);
      const provider = createProvider(plans, meetings);
      lab.standIn.setDefault(provider.answer);

      const asked = await askAll(lab.gateway.url, plans, meetings, CONCURRENCY);
      const admitted = plans.filter(({ credential }) => credential === "managed");
      const rows = await lab.gateway.waitForRows(admitted.length);
      await until(async () => (await metric(lab, "ai_requests_in_flight")) === 0);
      expect(lab.gateway.rows()).toHaveLength(admitted.length);
      expect(lab.standIn.faults).toEqual([]);

      expect(new Set(rows.map(({ request_id }) => request_id)).size).toBe(rows.length);
      const byPlan = new Map(rows.map((row) => [Number(row.requested_model?.slice("model-".length)), row]));
      expect([...byPlan.keys()].sort((a, b) => a - b)).toEqual(admitted.map(({ n }) => n));

      for (const plan of admitted) expectRow(byPlan.get(plan.n)!, plan);
      for (const one of asked) expectAnswer(one, byPlan.get(one.plan.n));

      const billed = admitted.filter(({ n }) => provider.billed.has(n));
      const whole = billed.map(({ n }) => byPlan.get(n)!);
      expect(whole.length).toBeGreaterThan(count / 4);
      expect(sum(whole.map((row) => row.input_tokens))).toBe(sum(billed.map((plan) => plan.inputTokens)));
      expect(sum(whole.map((row) => row.output_tokens))).toBe(sum(billed.map((plan) => plan.outputTokens)));
      expect(await metric(lab, "ai_usage_write_errors_total")).toBe(0);
    });
  });

function expectRow(row: Row, plan: RequestPlan): void {
  const about = { n: plan.n, fault: plan.fault, shape: plan.shape };
  // A client that means to leave may find the whole answer in its first read; nothing was cancelled then.
  const mayBeWhole = plan.fault === "left-in-body" && row.outcome === "ok";
  if (!mayBeWhole)
    expect({ ...about, outcome: row.outcome }).toEqual({ ...about, outcome: OUTCOMES[plan.fault] });
  if (row.outcome === "ok") {
    const { inputTokens, outputTokens } = plan;
    expect({ ...about, ...pick(row) }).toEqual({ ...about, source: "reported", inputTokens, outputTokens });
  }
  if (plan.fault === "left-in-upload" || plan.fault.startsWith("status"))
    expect(row.usage_source).toBe("none");
}

const pick = (row: Row) => ({
  source: row.usage_source,
  inputTokens: row.input_tokens,
  outputTokens: row.output_tokens,
});

function expectAnswer({ plan, status, requestId, whole }: Asked, row: Row | undefined): void {
  if (plan.credential === "refused") expect(status).toBe(401);
  if (plan.credential === "managed" && requestId !== undefined) expect(row?.request_id).toBe(requestId);
  if (plan.credential !== "refused" && plan.fault === "none")
    expect({ status, whole }).toEqual({ status: 200, whole: true });
  // What was cut must not look whole.
  if (plan.credential !== "refused" && plan.fault.startsWith("cut")) expect(whole).toBe(false);
}

function sum(counts: readonly (number | undefined)[]): number {
  return counts.reduce<number>((total, count) => total + (count ?? Number.NaN), 0);
}
