/** §8: one line per admitted managed request, with exactly these fields in this order. */
import { expect } from "vitest";
import { bytes, closeBeforeHead, cutMidBody, hangMidBody, json } from "../../support/answers.ts";
import {
  ask,
  BYO_KEY,
  begin,
  chat,
  jsonBody,
  KEY,
  relayed,
  requestIdOf,
  rowOf,
  rowsOf,
  type Section,
  SSE,
  UUID_V7,
} from "../lab.ts";
import { poolKey } from "../setups.ts";

const CHAT = "/openai/v1/chat/completions";
const FIELDS = [
  "target",
  "timestamp",
  "request_id",
  "tenant_id",
  "vpc_id",
  "key_id",
  "kid",
  "provider",
  "dialect",
  "path",
  "model",
  "requested_model",
  "stream",
  "status",
  "outcome",
  "usage_source",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_1h_tokens",
  "reasoning_tokens",
  "usage",
  "service_tier",
  "response_id",
  "ttft_ms",
  "latency_ms",
  "request_bytes",
  "response_bytes",
];

const completion = (members: Record<string, unknown> = {}) => ({
  id: "chatcmpl-1",
  model: "gpt-5-mini-2026",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" } }],
  usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
  ...members,
});

const start = (model: string) =>
  `event: message_start\ndata: ${JSON.stringify({ type: "message_start", message: { id: "msg_1", model, usage: { input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 7 } } })}\n\n`;

export const rows: Section = (check) => {
  check("rows/json", "writes one row with the fields in their order", async (lab) => {
    lab.standIn.setDefault(json(200, completion()));
    const { response } = await relayed(lab, { target: `${CHAT}?x=1`, ...jsonBody(chat()) });
    const row = await rowOf(lab.base, response);
    const sent = Buffer.byteLength(JSON.stringify(chat()));
    expect(row).toMatchObject({
      target: "ai.usage",
      request_id: requestIdOf(response),
      tenant_id: "42",
      vpc_id: "99",
      kid: 1,
      provider: "openai",
      dialect: "openai",
      path: "/v1/chat/completions",
      model: "gpt-5-mini-2026",
      requested_model: "gpt-5-mini",
      stream: false,
      status: 200,
      outcome: "ok",
      usage_source: "reported",
      input_tokens: 12,
      output_tokens: 3,
      usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
      response_id: "chatcmpl-1",
      request_bytes: sent,
      response_bytes: response.body.length,
    });
    expect(row.request_id).toMatch(UUID_V7);
    expect(row.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    for (const ms of [row.ttft_ms, row.latency_ms])
      expect(Number.isInteger(ms) && Number(ms) >= 0).toBe(true);
    const names = Object.keys(JSON.parse(lineOf(lab.base.rawRows(), row.request_id)));
    expect(names).toEqual(FIELDS.filter((name) => names.includes(name)));
  });

  check(
    "rows/verbatim-usage",
    "keeps the provider's own usage object as it came, up to 2 KiB",
    async (lab) => {
      const usage = '{"prompt_tokens": 5,"completion_tokens":1, "cost":1.0e-7,"seed":9223372036854775809123}';
      lab.standIn.setDefault(
        bytes(200, { "content-type": "application/json" }, `{"usage":${usage},"choices":[]}`),
      );
      const row = await rowOf(lab.base, (await relayed(lab, { target: CHAT, ...jsonBody(chat()) })).response);
      const kept = lineOf(lab.base.rawRows(), row.request_id).replaceAll(" ", "");
      expect(kept).toContain(`"usage":${usage.replaceAll(" ", "")}`);
      lab.standIn.setDefault(
        json(200, completion({ usage: { prompt_tokens: 5, completion_tokens: 1, pad: "x".repeat(3000) } })),
      );
      const large = await rowOf(
        lab.base,
        (await relayed(lab, { target: CHAT, ...jsonBody(chat()) })).response,
      );
      expect(large).toMatchObject({ input_tokens: 5, output_tokens: 1, usage_source: "reported" });
      expect(large).not.toHaveProperty("usage");
    },
  );

  for (const [why, body, requested] of [
    ["a model over 256 bytes", { model: "m".repeat(300) }, "unknown"],
    ["a model with control characters", { model: "a\u0001b" }, "unknown"],
    ["no model", { model: undefined }, undefined],
    ["a model of 256 bytes", { model: "m".repeat(256) }, "m".repeat(256)],
    ["a model with quotes", { model: 'a"\\b\u00e9' }, 'a"\\b\u00e9'],
  ] as const) {
    check(`rows/model:${why}`, `records ${why}`, async (lab) => {
      const { response } = await relayed(lab, { target: CHAT, ...jsonBody(chat(body)) });
      const row = await rowOf(lab.base, response);
      expect([row.requested_model, row.model]).toEqual([requested, requested]);
    });
  }

  for (const [why, request] of Object.entries({
    "malformed JSON": { body: '{"model":' },
    "two models": { body: '{"model":"first","model":"last"}' },
    "no JSON": { body: "hello", headers: [["content-type", "text/plain"]] as const },
    "an empty body": { body: "" },
  })) {
    check(`rows/odd-body:${why}`, `relays and records a request with ${why}`, async (lab) => {
      const { response, seen } = await relayed(lab, { target: CHAT, ...request });
      expect((await seen.body).text()).toBe(request.body);
      const row = await rowOf(lab.base, response);
      expect(row.requested_model).toBe(why === "two models" ? "last" : undefined);
    });
  }

  check(
    "rows/one-each",
    "writes exactly one row for each admitted managed request, and none for BYO",
    async (lab) => {
      const requests = Array.from({ length: 20 }, (_, n) =>
        ask(lab.base, { target: CHAT, ...(n % 2 === 0 ? { key: BYO_KEY } : {}), ...jsonBody(chat()) }),
      );
      const responses = await Promise.all(requests);
      const managed = responses.filter((_, n) => n % 2 === 1);
      await Promise.all(managed.map((response) => rowOf(lab.base, response)));
      const written = (await rowsOf(lab, responses)).map(({ request_id }) => request_id);
      expect(written.sort()).toEqual(managed.map(requestIdOf).sort());
    },
  );

  for (const type of ["text/plain", "application/octet-stream", "text/html; charset=utf-8"]) {
    check(`rows/called:${type}`, `meters JSON that is called ${type}`, async (lab) => {
      lab.standIn.setDefault(bytes(200, { "content-type": type }, JSON.stringify(completion())));
      const { response } = await relayed(lab, { target: CHAT, ...jsonBody(chat()) });
      expect(await rowOf(lab.base, response)).toMatchObject({ usage_source: "reported", input_tokens: 12 });
    });
  }

  check("rows/no-text", "estimates the prompt of an answer that is no text", async (lab) => {
    lab.standIn.setDefault(
      bytes(200, { "content-type": "audio/mpeg" }, Buffer.from([0xff, 0xfb, 0x90, 0x64, 0x7b])),
    );
    const { response } = await relayed(lab, { target: CHAT, ...jsonBody(chat()) });
    const row = await rowOf(lab.base, response);
    expect(row).toMatchObject({ outcome: "ok", usage_source: "estimated", output_tokens: 0 });
  });

  check("rows/form", "has no counts for a form", async (lab) => {
    lab.standIn.setDefault(json(200, { created: 1 }));
    const { response } = await relayed(lab, {
      target: "/openai/v1/images/generations",
      headers: [["content-type", "multipart/form-data; boundary=b"]],
      body: '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n',
    });
    const row = await rowOf(lab.base, response);
    expect(row).toMatchObject({ outcome: "ok", usage_source: "none" });
    expect(row).not.toHaveProperty("requested_model");
  });

  check(
    "rows/keys",
    "repeats no key that the client or the provider has put into what it names",
    async (lab) => {
      const pool = poolKey("openai");
      const usage = { prompt_tokens: 1, completion_tokens: 1, note: pool };
      lab.standIn.setDefault(
        json(200, completion({ id: pool, model: `m-${pool}`, service_tier: pool, usage })),
      );
      const { response } = await relayed(lab, { target: CHAT, ...jsonBody(chat({ model: `x ${KEY}` })) });
      const row = await rowOf(lab.base, response);
      expect(row).toMatchObject({ requested_model: "unknown", model: "unknown", input_tokens: 1 });
      for (const member of ["usage", "service_tier", "response_id"]) expect(row).not.toHaveProperty(member);
    },
  );

  check("rows/error-status", "records a provider's error without counts", async (lab) => {
    for (const status of [400, 429, 500, 529]) {
      lab.standIn.setDefault(json(status, { error: { message: "no" } }));
      const response = await ask(lab.base, { target: CHAT, ...jsonBody(chat()) });
      expect(response.status).toBe(status);
      const row = await rowOf(lab.base, response);
      expect(row).toMatchObject({ outcome: "upstream_error", status, usage_source: "none" });
      for (const name of ["input_tokens", "output_tokens", "usage"]) expect(row).not.toHaveProperty(name);
    }
  });

  check("rows/absent-is-not-zero", "leaves out what the provider did not report", async (lab) => {
    lab.standIn.setDefault(
      json(200, { object: "list", model: "e", data: [], usage: { prompt_tokens: 9, total_tokens: 9 } }),
    );
    const { response } = await relayed(lab, { target: "/openai/v1/embeddings", ...jsonBody(chat()) });
    const row = await rowOf(lab.base, response);
    expect(row).toMatchObject({ usage_source: "reported", input_tokens: 9 });
    for (const name of ["output_tokens", "cache_read_tokens", "reasoning_tokens", "key_id"])
      expect(row).not.toHaveProperty(name);
  });

  check("rows/estimated", "estimates low, and says so, when the usage never came", async (lab) => {
    const text = "x".repeat(90);
    const deltas = [text, "", "y"]
      .map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
      .join("");
    lab.standIn.setDefault(cutMidBody(SSE, deltas, "fin"));
    const body = { model: "m5678", stream: true, messages: [{ role: "user", content: "a".repeat(100) }] };
    const connection = await begin(lab.base, { target: CHAT, ...jsonBody(body) });
    const head = await connection.readHead();
    await connection.readBody();
    const row = await rowOf(lab.base, head);
    // String values: "m5678", "user" and 100 letters are 109 bytes; 91 bytes of text came in two non-empty deltas.
    expect(row).toMatchObject({
      usage_source: "estimated",
      outcome: "cut_short",
      input_tokens: Math.floor(109 / 5),
      output_tokens: Math.floor(91 / 4.5),
    });
  });

  check(
    "rows/partial",
    "keeps Anthropic's exact input when the stream is cut, and estimates the output",
    async (lab) => {
      lab.standIn.setDefault(cutMidBody(SSE, start("claude-1"), "fin"));
      const connection = await begin(lab.base, {
        target: "/anthropic/v1/messages",
        ...jsonBody(chat({ stream: true })),
      });
      const head = await connection.readHead();
      await connection.readBody();
      const row = await rowOf(lab.base, head);
      expect(row).toMatchObject({
        usage_source: "partial",
        outcome: "cut_short",
        model: "claude-1",
        input_tokens: 100,
        cache_read_tokens: 60,
      });
      expect(row.output_tokens).toBeGreaterThanOrEqual(7);
    },
  );

  check("rows/no-head", "estimates the prompt of a provider that had it and hung up", async (lab) => {
    lab.standIn.setDefault(closeBeforeHead());
    const row = await rowOf(lab.base, await ask(lab.base, { target: CHAT, ...jsonBody(chat()) }));
    expect(row).toMatchObject({ outcome: "upstream_error", usage_source: "estimated", output_tokens: 0 });
    expect(row).not.toHaveProperty("status");
  });

  check("rows/cancelled-partial", "gives a cancelled Anthropic stream a partial row", async (lab) => {
    lab.standIn.setDefault(hangMidBody(SSE, start("claude-2")));
    const connection = await begin(lab.base, {
      target: "/anthropic/v1/messages",
      ...jsonBody(chat({ stream: true })),
    });
    const head = await connection.readHead();
    await connection.readPiece();
    connection.destroy();
    expect(await rowOf(lab.base, head)).toMatchObject({
      usage_source: "partial",
      outcome: "client_cancelled",
      input_tokens: 100,
    });
  });

  check("rows/error-event", "calls a stream that ended in an error event an upstream error", async (lab) => {
    const error = `event: error\ndata: ${JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "x" } })}\n\n`;
    lab.standIn.setDefault(bytes(200, SSE, start("claude-3") + error));
    const { response } = await relayed(lab, {
      target: "/anthropic/v1/messages",
      ...jsonBody(chat({ stream: true })),
    });
    expect(await rowOf(lab.base, response)).toMatchObject({
      outcome: "upstream_error",
      status: 200,
      usage_source: "partial",
    });
  });
};

function lineOf(lines: readonly string[], requestId: string): string {
  const own = lines.filter((line) => line.includes(requestId));
  expect(own).toHaveLength(1);
  return own[0] ?? "";
}
