/** What the row says for every way in which a response can end. */
import { describe, expect, it } from "vitest";
import {
  bytes,
  closeBeforeHead,
  cutMidBody,
  gated,
  hangBeforeHead,
  json,
  shorterThanDeclared,
} from "../support/answers.ts";
import { openRaw } from "../support/raw-http.ts";
import { until } from "../support/until.ts";
import {
  CHAT,
  CHAT_INPUT_ESTIMATE,
  chat,
  DONE,
  delta,
  event,
  JSON_TYPE,
  KEY,
  MESSAGES,
  type MeteringLab,
  metric,
  type Post,
  post,
  rowAfter,
  SSE,
  useLab,
} from "./lab.ts";

const lab = useLab();
const STREAM: Post = { target: CHAT, body: chat({ stream: true, stream_options: { include_usage: true } }) };
const USAGE = event({ choices: [], usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } });

const messageStart = event({
  type: "message_start",
  message: {
    id: "msg_1",
    model: "claude-1",
    usage: {
      input_tokens: 40,
      cache_read_input_tokens: 60,
      cache_creation_input_tokens: 5,
      output_tokens: 3,
    },
  },
});
const textDelta = (text: string): string =>
  event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });

async function read(metering: MeteringLab, request: Post) {
  const before = metering.gateway.rows().length;
  const connection = await post(metering, request);
  await connection.readResponse().catch(() => undefined);
  connection.destroy();
  return rowAfter(metering, before);
}

/** Leaves once these bytes of the stream have reached the client. */
async function leaveAfter(metering: MeteringLab, request: Post, pieces: readonly string[]) {
  const before = metering.gateway.rows().length;
  const body = gated(SSE);
  metering.standIn.setDefault(body.answer);
  const connection = await post(metering, request);
  await connection.readHead();
  for (const piece of pieces) {
    await body.release(piece);
    await connection.readPiece();
  }
  const seen = await metering.standIn.take();
  connection.destroy();
  await seen.clientGone;
  return rowAfter(metering, before);
}

describe("a client that leaves", () => {
  it("before the head costs the prompt, which the provider had whole", async () => {
    const before = lab.gateway.rows().length;
    lab.standIn.setDefault(hangBeforeHead());
    const connection = await post(lab, STREAM);
    const seen = await lab.standIn.take();
    await seen.body;
    connection.destroy();
    await seen.clientGone;
    const row = await rowAfter(lab, before);
    expect(row).toMatchObject({
      outcome: "client_cancelled",
      usage_source: "estimated",
      input_tokens: CHAT_INPUT_ESTIMATE,
      output_tokens: 0,
      model: "m5678",
      key_id: "18446744073709551615",
    });
    expect(row).not.toHaveProperty("status");
    expect(row).not.toHaveProperty("ttft_ms");
  });

  for (const declared of [1_000, 1_000_000]) {
    it(`in the middle of an upload of ${declared} bytes costs nothing that can be known`, async () => {
      const before = lab.gateway.rows().length;
      lab.standIn.setDefault(hangBeforeHead());
      const connection = await openRaw(lab.gateway.url);
      const head = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\n`;
      const body = '{"model":"m5678","messages":"';
      connection.send(`${head}content-type: application/json\r\ncontent-length: ${declared}\r\n\r\n${body}`);
      const isStreamed = declared > 65_536;
      if (isStreamed) await lab.standIn.take();
      else await until(async () => (await metric(lab, "ai_requests_in_flight")) === 1);
      connection.destroy();
      const row = await rowAfter(lab, before);
      expect(row).toMatchObject({
        outcome: "client_cancelled",
        usage_source: "none",
        requested_model: "m5678",
        request_bytes: body.length,
      });
      expect(row).not.toHaveProperty("input_tokens");
    });
  }

  it("in mid-stream is charged for what came", async () => {
    const row = await leaveAfter(lab, STREAM, [delta("x".repeat(45)), delta("y".repeat(45))]);
    expect(row).toMatchObject({
      outcome: "client_cancelled",
      usage_source: "estimated",
      status: 200,
      stream: true,
      input_tokens: CHAT_INPUT_ESTIMATE,
      output_tokens: 20,
    });
  });

  it("one event before the end has the provider's own counts", async () => {
    const row = await leaveAfter(lab, STREAM, [delta("hi"), USAGE]);
    expect(row).toMatchObject({
      outcome: "client_cancelled",
      usage_source: "reported",
      input_tokens: 11,
      output_tokens: 7,
    });
  });

  it("as soon as it has read the protocol's end has not cancelled anything", async () => {
    const row = await leaveAfter(lab, STREAM, [delta("hi"), USAGE, DONE]);
    expect(row).toMatchObject({ outcome: "ok", usage_source: "reported", output_tokens: 7 });
  });

  it("keeps Anthropic's exact input, and never less output than a block said", async () => {
    const request = { target: MESSAGES, body: chat({ stream: true, max_tokens: 100 }) };
    const early = await leaveAfter(lab, request, [messageStart]);
    expect(early).toMatchObject({
      outcome: "client_cancelled",
      usage_source: "partial",
      model: "claude-1",
      requested_model: "m5678",
      input_tokens: 105,
      cache_read_tokens: 60,
      cache_write_tokens: 5,
      output_tokens: 3,
    });
    const later = await leaveAfter(lab, request, [messageStart, textDelta("z".repeat(90))]);
    expect(later).toMatchObject({ usage_source: "partial", input_tokens: 105, output_tokens: 20 });
  });
});

describe("a provider that dies", () => {
  for (const by of ["fin", "rst"] as const) {
    it(`in mid-stream by ${by} leaves an estimate`, async () => {
      lab.standIn.setDefault(cutMidBody(SSE, delta("x".repeat(90)), by));
      expect(await read(lab, STREAM)).toMatchObject({
        outcome: "cut_short",
        usage_source: "estimated",
        input_tokens: CHAT_INPUT_ESTIMATE,
        output_tokens: 20,
      });
    });
  }

  it("before its head, with the request whole, leaves the prompt's estimate", async () => {
    lab.standIn.setDefault(closeBeforeHead());
    const row = await read(lab, STREAM);
    expect(row).toMatchObject({
      outcome: "upstream_error",
      usage_source: "estimated",
      input_tokens: CHAT_INPUT_ESTIMATE,
      output_tokens: 0,
    });
    expect(row).not.toHaveProperty("status");
  });

  it("or was never there costs nothing", async () => {
    const row = await read(lab, { target: "/dead-host/v1/chat/completions", body: chat() });
    expect(row).toMatchObject({ outcome: "upstream_error", usage_source: "none" });
    expect(row).not.toHaveProperty("input_tokens");
  });

  it("in the middle of a JSON body leaves an estimate of the text that came", async () => {
    const body = `{"id":"c","model":"served","choices":[{"message":{"content":"${"x".repeat(90)}`;
    lab.standIn.setDefault(shorterThanDeclared(JSON_TYPE, body, body.length + 500));
    expect(await read(lab, { target: CHAT, body: chat() })).toMatchObject({
      outcome: "cut_short",
      usage_source: "estimated",
      model: "served",
      stream: false,
      input_tokens: CHAT_INPUT_ESTIMATE,
      output_tokens: 20,
      response_bytes: body.length,
    });
  });

  it("after it counted in a JSON body is believed", async () => {
    const body = '{"usage":{"prompt_tokens":5,"completion_tokens":6},"choices":[{"message":{"content":"xxxx';
    lab.standIn.setDefault(shorterThanDeclared(JSON_TYPE, body, body.length + 500));
    expect(await read(lab, { target: CHAT, body: chat() })).toMatchObject({
      outcome: "cut_short",
      usage_source: "reported",
      output_tokens: 6,
    });
  });

  it("while it sent counts along with the text is not believed to have sent the last", async () => {
    const counted = (content: string, tokens: number): string =>
      event({ choices: [{ delta: { content } }], usage: { prompt_tokens: 9, completion_tokens: tokens } });
    lab.standIn.setDefault(cutMidBody(SSE, counted("a", 0) + delta("x".repeat(90)), "fin"));
    expect(await read(lab, STREAM)).toMatchObject({
      outcome: "cut_short",
      usage_source: "partial",
      input_tokens: 9,
      output_tokens: 20,
    });
    lab.standIn.setDefault(cutMidBody(SSE, counted("a".repeat(90), 3) + counted("b", 4), "fin"));
    expect(await read(lab, STREAM)).toMatchObject({ usage_source: "reported", output_tokens: 4 });
  });
});

describe("a clean end", () => {
  it("without usage is estimated", async () => {
    lab.standIn.setDefault(bytes(200, SSE, delta("x".repeat(90)) + DONE));
    expect(await read(lab, STREAM)).toMatchObject({
      outcome: "ok",
      usage_source: "estimated",
      output_tokens: 20,
    });
    lab.standIn.setDefault(json(200, { choices: [{ message: { content: "y".repeat(9) } }] }));
    expect(await read(lab, { target: CHAT, body: chat() })).toMatchObject({
      outcome: "ok",
      usage_source: "estimated",
      output_tokens: 2,
    });
  });

  it("of the connection but not of the protocol is cut short", async () => {
    lab.standIn.setDefault(bytes(200, SSE, delta("x") + USAGE));
    expect(await read(lab, STREAM)).toMatchObject({ outcome: "cut_short", usage_source: "reported" });
    lab.standIn.setDefault(bytes(200, JSON_TYPE, '{"choices":['));
    expect(await read(lab, { target: CHAT, body: chat() })).toMatchObject({ outcome: "cut_short" });
  });

  it("keeps a provider's explicit zeros, and leaves out what it did not say", async () => {
    const usage = { prompt_tokens: 0, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 0 } };
    lab.standIn.setDefault(json(200, { choices: [{ message: { content: "x".repeat(90) } }], usage }));
    const row = await read(lab, { target: CHAT, body: chat() });
    expect(row).toMatchObject({
      usage_source: "reported",
      input_tokens: 0,
      output_tokens: 0,
      cache_read_tokens: 0,
    });
    expect(row).not.toHaveProperty("reasoning_tokens");
  });

  it("of endpoints that bill no tokens is never estimated", async () => {
    for (const target of [
      "/openai/v1/moderations",
      "/openai/v1/responses/input_tokens",
      "/anthropic/v1/messages/count_tokens",
    ]) {
      lab.standIn.setDefault(json(200, { input_tokens: 12, results: [] }));
      const row = await read(lab, { target, body: chat({ input: "hello" }) });
      expect(row).toMatchObject({ outcome: "ok", usage_source: "none", requested_model: "m5678" });
      expect(row).not.toHaveProperty("input_tokens");
    }
  });

  it("with an error is not estimated, whatever came before", async () => {
    for (const status of [302, 400, 429, 500]) {
      lab.standIn.setDefault(json(status, { error: { message: "x".repeat(90) } }));
      const row = await read(lab, { target: CHAT, body: chat() });
      expect(row).toMatchObject({ status, usage_source: "none" });
      expect(row).not.toHaveProperty("output_tokens");
    }
  });

  it("of something that cannot be read is none, never zero", async () => {
    lab.standIn.setDefault(bytes(200, { ...JSON_TYPE, "content-encoding": "rot13" }, "{}"));
    const unknown = await read(lab, { target: CHAT, body: chat() });
    lab.standIn.setDefault(
      bytes(200, { ...JSON_TYPE, "content-encoding": "gzip" }, "this is no gzip at all"),
    );
    const broken = await read(lab, { target: CHAT, body: chat() });
    for (const row of [unknown, broken]) {
      expect(row).toMatchObject({ usage_source: "none", status: 200 });
      expect(row).not.toHaveProperty("output_tokens");
    }
  });
});

describe("what an estimate leaves out", () => {
  it("is base64 in the request: data URIs and strings under `data`", async () => {
    const base64 = "QUJD".repeat(5000);
    const content = [
      { type: "text", text: "a".repeat(91) },
      { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } },
      { type: "input_audio", input_audio: { data: base64, format: "wav" } },
    ];
    lab.standIn.setDefault(bytes(200, SSE, delta("x") + DONE));
    const row = await read(lab, { target: CHAT, body: chat({ messages: [{ role: "user", content }] }) });
    expect(row.usage_source).toBe("estimated");
    // The words of the structure count (`text`, `image_url`, `input_audio`, `wav`), a few bytes in all.
    expect(row.input_tokens).toBeGreaterThanOrEqual(CHAT_INPUT_ESTIMATE);
    expect(row.input_tokens).toBeLessThan(CHAT_INPUT_ESTIMATE + 10);
  });

  it("is base64 in the response: images and audio are no text", async () => {
    const base64 = "QUJD".repeat(5000);
    const parts = [
      { audio: { data: base64 } },
      { audio: { transcript: "x".repeat(45) } },
      { images: [{ image_url: { url: `data:image/png;base64,${base64}` } }] },
    ];
    const events = parts.map((part) => event({ choices: [{ index: 0, delta: part }] })).join("");
    lab.standIn.setDefault(cutMidBody(SSE, events, "fin"));
    expect(await read(lab, STREAM)).toMatchObject({ usage_source: "estimated", output_tokens: 10 });
  });
});
