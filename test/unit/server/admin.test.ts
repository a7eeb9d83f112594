/** The admin listener of a gateway whose requests run in other processes. */
import { describe, expect, it } from "vitest";
import { createAdminApp } from "../../../adapters/server/admin.ts";
import { createRowRing } from "../../../adapters/server/live/row-ring.ts";
import { joinMetrics } from "../../../adapters/server/process-metrics.ts";
import { parseExposition } from "../../ops/exposition.ts";
import { stateWith } from "../../support/state.ts";

function appOver(health: "ok" | "degraded" | "down", isConnected = true) {
  const state = stateWith({}, { deny: { lookup: () => undefined, connected: () => isConnected } });
  const processes = [1, 2].map(
    (n) => `# HELP up_seconds Up.\n# TYPE up_seconds gauge\nup_seconds{process="worker ${n}"} ${n}\n`,
  );
  return createAdminApp(state, {
    version: "1",
    startedAt: 0,
    isDraining: () => false,
    rows: createRowRing(),
    workers: {
      health: () => health,
      async collect() {
        state.metrics.requests.add(7);
        return processes;
      },
    },
  });
}

describe("readyz", () => {
  it.each([
    { health: "ok", isConnected: true, status: 200, says: "ok" },
    { health: "degraded", isConnected: true, status: 200, says: "degraded" },
    { health: "ok", isConnected: false, status: 200, says: "degraded" },
    { health: "down", isConnected: true, status: 503, says: "down" },
  ] as const)(
    "answers $status $says when the workers are $health, deny source: $isConnected",
    async (one) => {
      const response = await appOver(one.health, one.isConnected).request("/readyz");
      expect({ status: response.status, body: await response.json() }).toEqual({
        status: one.status,
        body: { status: one.says, version: "1" },
      });
    },
  );
});

describe("metrics", () => {
  it("are collected before they are told, those of the processes side by side", async () => {
    const families = parseExposition(await (await appOver("ok").request("/metrics")).text());
    expect(families.get("ai_requests_total")?.samples.get("")).toBe(7);
    expect([...families.get("up_seconds")!.samples]).toEqual([
      ['process="worker 1"', 1],
      ['process="worker 2"', 2],
    ]);
    expect(families.get("process_cpu_seconds_total")?.samples.has('process="primary"')).toBe(true);
  });

  it("of a process that has not all of them are joined with the others'", () => {
    const [first, second] = ["a 1\n", "b 2\n"].map(
      (line) => `# HELP ${line[0]} A.\n# TYPE ${line[0]} gauge\n${line}`,
    );
    expect(joinMetrics([`${first}${second}`, second!])).toBe(`${first}${second}b 2\n`);
  });
});
