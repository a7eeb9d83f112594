/** Part 4: `on_disconnect = "drain"` reads on after the client left, within bounds, so that the row is the provider's own. */
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { gated, json } from "../support/answers.ts";
import { roomIn } from "../support/room-in.ts";
import { startOnBun, startOnNode } from "../support/runtimes.ts";
import { until } from "../support/until.ts";
import {
  CHAT,
  chat,
  DONE,
  delta,
  event,
  type MeteringLab,
  metric,
  post,
  rowAfter,
  SSE,
  useLab,
} from "./lab.ts";

const BODY = chat({ stream: true });
const USAGE = event({ choices: [], usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } });
const MAX_BYTES = 100_000;

describe("a client that leaves a provider which is drained", () => {
  const lab = useLab({
    on_disconnect: "drain",
    provider_on_disconnect: { groq: "cancel" },
    drain_max_bytes: MAX_BYTES,
    // So that nothing ends for this reason.
    drain_max_secs: 600,
  });

  it("still gets the row that the provider reports, and is on record as gone", async () => {
    const { body, row } = await leave(lab);
    await body.release(delta("more") + USAGE);
    await body.release(DONE);
    body.end();
    expect(await row()).toMatchObject({
      outcome: "client_cancelled",
      usage_source: "reported",
      input_tokens: 11,
      output_tokens: 7,
      stream: true,
    });
  });

  it("may leave before the head: the answer is waited for", async () => {
    const before = lab.gateway.rows().length;
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    lab.standIn.setDefault(async (exchange) => {
      await exchange.seen.body;
      await mayAnswer;
      await json(200, { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } })(exchange);
    });
    const connection = await post(lab, { target: CHAT, body: chat() });
    const seen = await lab.standIn.take();
    await seen.body;
    connection.destroy();
    expect(await roundTrip(lab)).toBe(1);
    answer();
    expect(await rowAfter(lab, before)).toMatchObject({
      outcome: "client_cancelled",
      usage_source: "reported",
      status: 200,
      input_tokens: 3,
      output_tokens: 4,
    });
  });

  it("has no more than drain_max_bytes read after it", async () => {
    const { promise: isGone, resolve: left } = Promise.withResolvers<void>();
    const before = lab.gateway.rows().length;
    lab.standIn.setDefault(async ({ response }) => {
      response.writeHead(200, SSE).write(delta("x"));
      await isGone;
      const event = delta("x".repeat(1000));
      while (!response.destroyed) {
        if (!response.write(event)) await roomIn(response);
      }
    });
    const connection = await post(lab, { target: CHAT, body: BODY });
    await connection.readHead();
    await connection.readPiece();
    const seen = await lab.standIn.take();
    connection.destroy();
    expect(await roundTrip(lab)).toBe(1);
    left();
    await seen.clientGone;
    const row = await rowAfter(lab, before);
    expect(row).toMatchObject({ outcome: "client_cancelled", usage_source: "estimated" });
    expect(row.response_bytes).toBeGreaterThan(delta("x").length);
    expect(row.response_bytes).toBeLessThanOrEqual(MAX_BYTES + delta("x").length);
  });

  it("has a provider that dies meanwhile in its row as an estimate", async () => {
    const before = lab.gateway.rows().length;
    const { promise: provider, resolve: answered } = Promise.withResolvers<Socket>();
    lab.standIn.setDefault(({ response, socket }) => {
      response.writeHead(200, SSE).write(delta("x".repeat(45)));
      answered(socket);
    });
    const connection = await post(lab, { target: CHAT, body: BODY });
    await connection.readHead();
    await connection.readPiece();
    connection.destroy();
    expect(await roundTrip(lab)).toBe(1);
    (await provider).resetAndDestroy();
    const row = await rowAfter(lab, before);
    expect(row).toMatchObject({ outcome: "client_cancelled", usage_source: "estimated", output_tokens: 10 });
  });

  it("cancels the others at once", async () => {
    const { isGone, row } = await leave(lab, "/groq/openai/v1/chat/completions");
    expect(await isGone).toBe(true);
    expect(await row()).toMatchObject({ outcome: "client_cancelled", usage_source: "estimated" });
  });
});

describe("a provider that goes on after its client left", () => {
  const lab = useLab({ on_disconnect: "drain", drain_max_secs: 1 });

  it("is not waited for longer than drain_max_secs", async () => {
    const { isGone, row } = await leave(lab);
    expect(await isGone).toBe(true);
    const { outcome, usage_source, latency_ms } = await row();
    expect({ outcome, usage_source }).toEqual({ outcome: "client_cancelled", usage_source: "estimated" });
    expect(latency_ms).toBeGreaterThanOrEqual(1000);
  });
});

for (const [name, start] of Object.entries({ Node: startOnNode, Bun: startOnBun })) {
  describe(`a shutdown on ${name}`, () => {
    const lab = useLab({ on_disconnect: "drain", shutdown_grace_period_secs: 20 }, start);

    it("waits for a response that is drained, and writes its row", async () => {
      const { body } = await leave(lab);
      const row = lab.gateway.waitForRow(({ status }) => status === 200);
      const stopped = lab.gateway.stop();
      await until(() => /"draining"/.test(lab.gateway.stderr()));
      await body.release(USAGE + DONE);
      body.end();
      expect(await row).toMatchObject({ usage_source: "reported", outcome: "client_cancelled" });
      await stopped;
    });
  });
}

/** Leaves a stream after its first event, and comes back when the gateway knows; gives what is still to come of it. */
async function leave(lab: MeteringLab, target = CHAT) {
  const before = lab.gateway.rows().length;
  const body = gated(SSE);
  lab.standIn.setDefault(body.answer);
  const connection = await post(lab, { target, body: BODY });
  const seen = await lab.standIn.take();
  await body.release(delta("hello"));
  await connection.readHead();
  await connection.readPiece();
  connection.destroy();
  await roundTrip(lab);
  return { body, isGone: seen.clientGone.then(() => true), row: () => rowAfter(lab, before) };
}

/** By then the same process has seen what a client did before. Gives what it has in flight. */
const roundTrip = (lab: MeteringLab): Promise<number> => metric(lab, "ai_requests_in_flight");
