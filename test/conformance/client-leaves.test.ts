/**
 * A client that leaves a stream which goes on, on every runtime: the provider is told, or read to its end for the row.
 * (The suite's own checks let the provider fall silent, which workerd does not notice.)
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunningGateway } from "../support/gateway-process.ts";
import { startOnBun, startOnNode, startOnWorkers, startPortableOnNode } from "../support/runtimes.ts";
import { type Answer, type StandIn, startStandIn } from "../support/stand-in.ts";
import { begin, chat, jsonBody, rowOf } from "./lab.ts";
import { baseSetup } from "./setups.ts";

const CHAT = "/openai/v1/chat/completions";
const DELTA = `data: ${JSON.stringify({ id: "c1", model: "m-1", choices: [{ index: 0, delta: { content: "hello" } }] })}\n\n`;
const LAST = `data: ${JSON.stringify({ id: "c1", model: "m-1", choices: [], usage: { prompt_tokens: 5, completion_tokens: 60, total_tokens: 65 } })}\n\ndata: [DONE]\n\n`;
const EVERY_MS = 10;

/** Goes on until its own end or its client's. */
function ticking(events: number): Answer {
  return ({ response }) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let sent = 0;
    const timer = setInterval(() => {
      if (sent++ < events) return void response.write(DELTA);
      clearInterval(timer);
      response.end(LAST);
    }, EVERY_MS);
    response.once("close", () => clearInterval(timer));
  };
}

describe.each([
  ["Node", startOnNode],
  ["Node, embedded", startPortableOnNode],
  ["Bun", startOnBun],
  ["Workers", startOnWorkers],
] as const)("a client that leaves mid-stream on %s", (_, start) => {
  let standIn: StandIn;
  let cancelling: RunningGateway;
  let draining: RunningGateway;

  beforeAll(async () => {
    standIn = await startStandIn();
    const setup = baseSetup(standIn.authority);
    const withDrain = { ...setup, config: { ...setup.config, on_disconnect: "drain" } };
    [cancelling, draining] = await Promise.all([start(setup), start(withDrain)]);
  });
  beforeEach(() => standIn.reset());
  afterAll(async () => {
    await Promise.all([cancelling?.stop(), draining?.stop()]);
    await standIn.close();
  });

  async function leave(gateway: RunningGateway, stream_options?: unknown) {
    const connection = await begin(gateway, {
      target: CHAT,
      ...jsonBody(chat({ stream: true, stream_options })),
    });
    const head = await connection.readHead();
    await connection.readPiece();
    connection.destroy();
    return head;
  }

  it("cancels the provider's request and gives an estimated row", async () => {
    standIn.setDefault(ticking(Number.POSITIVE_INFINITY));
    const head = await leave(cancelling);
    await (await standIn.take()).clientGone;
    expect(await rowOf(cancelling, head)).toMatchObject({
      outcome: "client_cancelled",
      status: 200,
      stream: true,
      usage_source: "estimated",
    });
  });

  for (const [who, options] of [
    ["that asked for usage", { include_usage: true }],
    ["that did not ask", undefined],
  ] as const) {
    it(`reads to the provider's end for the row of a client ${who}, where the config says so`, async () => {
      standIn.setDefault(ticking(60));
      const head = await leave(draining, options);

      expect(await rowOf(draining, head)).toMatchObject({
        status: 200,
        usage_source: "reported",
        input_tokens: 5,
        output_tokens: 60,
      });
    });
  }
});
