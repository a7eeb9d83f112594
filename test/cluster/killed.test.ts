/** A worker that dies under load: who else notices, and what the rows and the metrics say. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMPLETION, heldStreams, metric, openChat, rowsIn } from "../holds/lab.ts";
import { configOver } from "../ops/served.ts";
import { json } from "../support/answers.ts";
import type { RawConnection } from "../support/raw-http.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { askAll, killWorker, pidOf, serveWorkers } from "./lab.ts";

const STREAMS = 20;
const CLIENTS = 8;

let standIn: StandIn;
beforeEach(async () => {
  standIn = await startStandIn();
});
afterEach(() => standIn.close());

const openStream = async (url: string): Promise<RawConnection> => {
  const connection = await openChat(url, { stream: true });
  await connection.readHead();
  await connection.readPiece();
  return connection;
};

describe("a worker that is killed", () => {
  it("breaks off its own streams and no other, and nothing that was counted goes back", async () => {
    const gateway = await serveWorkers(standIn.authority);
    const count = (name: string) => metric(gateway.adminUrl, name);
    const streams = heldStreams();
    standIn.setDefault(streams.answer);
    const open = await Promise.all(Array.from({ length: STREAMS }, () => openStream(gateway.url)));
    expect(await count("ai_active_streams")).toBe(STREAMS);
    expect(await count("ai_requests_total")).toBe(STREAMS);

    await killWorker(gateway, 1);
    const left = await count("ai_active_streams");
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(STREAMS);
    streams.endAll();
    const ended = await Promise.all(open.map((stream) => stream.readBody()));
    expect(ended.filter(({ clean }) => clean)).toHaveLength(left);

    await until(async () => (await count('ai_usage_rows_total{usage_source="reported"}')) === left);
    expect(await count("ai_requests_total")).toBe(STREAMS);
    expect(await count("ai_requests_in_flight")).toBe(0);
    gateway.process.child.kill("SIGTERM");
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    expect(rowsIn(stdout)).toHaveLength(left);
  });

  it("leaves every row on record whole, and has one for whatever was not answered just before", async () => {
    const gateway = await serveWorkers(standIn.authority);
    standIn.setDefault(json(200, COMPLETION));
    const answered = new Set<string>();
    let kills = 0;
    let isKilling = false;
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) {
        const killsBefore = kills;
        const connection = await openChat(gateway.url).catch(() => undefined);
        const answer = await connection?.readResponse().catch(() => undefined);
        // What was under way at a kill, or answered a moment before, may be without a row.
        const isSure = answer?.clean && kills === killsBefore && !isKilling;
        if (isSure) answered.add(answer.header("x-beyond-request-id")[0]!);
        connection?.destroy();
      }
    };
    const moreAnswered = (): Promise<void> => {
      const before = answered.size;
      return until(() => answered.size > before + 25);
    };
    const clients = Array.from({ length: CLIENTS }, client);
    for (const worker of [1, 2]) {
      await moreAnswered();
      kills++;
      isKilling = true;
      await until(() => {
        const stdout = gateway.process.stdout();
        return [...answered].every((id) => stdout.includes(id));
      });
      await killWorker(gateway, worker);
      isKilling = false;
    }
    await moreAnswered();
    isOver = true;
    await Promise.all(clients);
    gateway.process.child.kill("SIGTERM");
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    expect(stdout.endsWith("\n")).toBe(true);
    const written = rowsIn(stdout).map((row) => row.request_id);
    expect(new Set(written).size).toBe(written.length);
    expect([...answered].filter((id) => !written.includes(id))).toEqual([]);
    expect(gateway.process.stderr().match(/"a worker has ended and is replaced"/g)).toHaveLength(2);
  });

  it("is replaced by one that obeys the config and the deny-set as they are now", async () => {
    const gateway = await serveWorkers(standIn.authority);
    const next = configOver(standIn.authority, { rate_limit_rps: 0, pool_keys: { openai: "sk-pool-2" } });
    await gateway.reload(next, /"message":"config reloaded"/);
    await killWorker(gateway, 1);
    await killWorker(gateway, 2);
    expect(await askAll(gateway.url)).toEqual([200, 200, 200, 200]);
    expect(new Set(standIn.requests.map((seen) => seen.header("authorization")[0]))).toEqual(
      new Set(["Bearer sk-pool-2"]),
    );
  });

  it("makes readyz say so until the next one listens", async () => {
    const gateway = await serveWorkers(standIn.authority);
    const ready = async () => (await fetch(`${gateway.adminUrl}/readyz`)).text();
    expect(await ready()).toContain('"ok"');
    process.kill(pidOf(gateway, 1), "SIGKILL");
    await until(async () => (await ready()).includes('"degraded"'));
    await until(async () => (await ready()).includes('"ok"'));
  });
});
