import { describe, expect, it } from "vitest";
import {
  createGatewayTransport,
  type FetchPort,
  ModelError,
  type ModelRequest,
  type StreamEvent,
} from "../../../src/agent/index.ts";

const key = "bai_v1.1.secret.secret";

/** `fetch` as a function of its request; the runtime's own `Response` is a response. */
function transport(
  fetch: (url: string, init: Parameters<FetchPort>[1]) => Response | Promise<Response>,
  idleTimeoutMs?: number,
) {
  return createGatewayTransport({
    baseUrl: "http://gw/",
    key,
    fetch: async (url, init) => fetch(url, init),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
  });
}

function request(model: string, signal = new AbortController().signal): ModelRequest {
  return {
    model,
    system: "",
    messages: [{ role: "user", content: [{ type: "text", text: "q" }] }],
    tools: [],
    signal,
  };
}

async function collect(events: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const out: StreamEvent[] = [];
  for await (const event of events) out.push(event);
  return out;
}

async function failure(
  fetch: Parameters<typeof transport>[0],
  idleTimeoutMs?: number,
  model = "gpt-5",
): Promise<ModelError> {
  const error = await collect(transport(fetch, idleTimeoutMs).stream(request(model))).catch(
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ModelError)) throw new Error(`no ModelError but ${String(error)}`);
  return error;
}

const sse = { "content-type": "text/event-stream; charset=utf-8" };
const done = `data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;

describe("the transport", () => {
  it("sends the key in the wire's own header and follows no redirect", async () => {
    const seen: { url: string; init: Parameters<FetchPort>[1] }[] = [];
    const spy = transport((url, init) => {
      seen.push({ url, init });
      return new Response(done, { headers: sse });
    });
    await collect(spy.stream(request("gpt-5")));
    await collect(spy.stream(request("claude-x"))).catch(() => undefined);
    expect(seen.map(({ url }) => url)).toEqual(["http://gw/v1/chat/completions", "http://gw/v1/messages"]);
    expect(seen[0]!.init.headers).toMatchObject({ authorization: `Bearer ${key}` });
    expect(seen[1]!.init.headers).toMatchObject({ "x-api-key": key, "anthropic-version": "2023-06-01" });
    expect(seen.every(({ init }) => init.redirect === "manual" && !init.body.includes(key))).toBe(true);
  });

  it("sends no half of a surrogate pair, and leaves whole ones and text that looks like one", async () => {
    const texts = ["cut \ud83d", "\ud800\ud800\udc00\udc00", "whole 🙂", "literal \\ud83d and \\\\ud83d"];
    let body = "";
    const spy = transport((_, init) => {
      body = init.body;
      return new Response(done, { headers: sse });
    });
    const content = texts.map((text) => ({ type: "text", text }) as const);
    await collect(spy.stream({ ...request("gpt-5"), messages: [{ role: "user", content }] }));
    expect(JSON.parse(body).messages[0].content).toBe(
      ["cut \ufffd", "\ufffd\ud800\udc00\ufffd", texts[2], texts[3]].join("\n\n"),
    );
    expect(new TextDecoder().decode(new TextEncoder().encode(body))).toBe(body);
  });

  it.each([
    [408, {}, true],
    [409, {}, true],
    [429, {}, true],
    [500, {}, true],
    [503, {}, true],
    [529, {}, true],
    [503, { "x-should-retry": "false" }, false],
    [400, {}, false],
    [401, {}, false],
    [402, {}, false],
    [403, {}, false],
    [404, {}, false],
    [302, { location: "http://evil" }, false],
  ])("of a %i with %o: may be tried again is %s", async (status, headers, retryable) => {
    const error = await failure(
      () => new Response('{"error":{"message":"no","type":"t","code":null}}', { status, headers }),
    );
    expect(error).toMatchObject({ status, retryable });
  });

  it.each([
    [
      '{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}',
      "insufficient_quota",
    ],
    ['{"error":{"message":"You exceeded your current quota, please check your plan","type":"x"}}', "x"],
  ])("does not try a quota error again: %s", async (body, code) => {
    expect(await failure(() => new Response(body, { status: 429 }))).toMatchObject({
      retryable: false,
      code,
    });
  });

  it("says denied for a 402, with the gateway's message and code", async () => {
    const body =
      '{"type":"error","error":{"type":"billing_error","message":"spending limit reached","code":"spend_denied"},"request_id":"r"}';
    const error = await failure(() => new Response(body, { status: 402 }), undefined, "claude-x");
    expect(error).toMatchObject({
      code: "spend_denied",
      message: "denied: spending limit reached (HTTP 402)",
    });
  });

  it("takes the key out of a message that quotes it", async () => {
    const error = await failure(
      () => new Response(`{"error":{"message":"Incorrect API key: ${key}"}}`, { status: 401 }),
    );
    expect(error.message).toContain("[redacted]");
    expect(error.message).not.toContain(key);
  });

  it("knows a context overflow on both wires", async () => {
    const bodies = [
      '{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}',
      '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}',
    ];
    for (const body of bodies) {
      expect(await failure(() => new Response(body, { status: 400 }))).toMatchObject({
        contextOverflow: true,
        retryable: false,
      });
    }
  });

  it("calls a connection that fails unreachable, with the reason and without the key", async () => {
    const error = await failure(() => {
      throw new TypeError("fetch failed", {
        cause: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }),
      });
    });
    expect(error).toMatchObject({
      code: "unreachable",
      retryable: true,
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it.each([
    ["ends before its end", () => new Response(done.slice(0, 60), { headers: sse }), "cut_short", true],
    ["is garbage", () => new Response("data: {nonsense\n\n", { headers: sse }), "bad_stream", true],
    [
      "is a web page",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      "bad_stream",
      false,
    ],
    [
      "is an error document in a 200",
      () =>
        new Response('{"error":{"message":"m","code":502}}', {
          headers: { "content-type": "application/json" },
        }),
      "502",
      true,
    ],
    [
      "says an error in its middle",
      () => new Response('data: {"error":{"message":"m","type":"server_error"}}\n\n', { headers: sse }),
      "server_error",
      true,
    ],
    [
      "breaks",
      () => new Response(new ReadableStream({ start: (c) => c.error(new Error("reset")) }), { headers: sse }),
      "cut_short",
      true,
    ],
  ])("of a stream that %s gives its own error", async (_, answer, code, retryable) => {
    expect(await failure(answer)).toMatchObject({ code, retryable });
  });

  it("gives up on silence, before the head and in the stream", async () => {
    expect(await failure(() => new Promise<never>(() => undefined), 5)).toMatchObject({
      code: "timeout",
      retryable: true,
    });
    const silent = () =>
      new Response(new ReadableStream({ pull: () => new Promise(() => undefined) }), { headers: sse });
    expect(await failure(silent, 5)).toMatchObject({ code: "timeout", retryable: true });
  });

  it("cancels the request when the consumer stops, and on abort", async () => {
    let signal: AbortSignal | undefined;
    const held = transport((_, init) => {
      signal = init.signal;
      return new Response(
        new ReadableStream({
          start: (c) => c.enqueue(new TextEncoder().encode(done.slice(0, done.indexOf("data: [DONE]")))),
        }),
        { headers: sse },
      );
    });
    for await (const _ of held.stream(request("gpt-5"))) break;
    expect(signal?.aborted).toBe(true);
  });
});
