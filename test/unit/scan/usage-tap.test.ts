import { describe, expect, test } from "vitest";
import type { TapResult } from "../../../src/scan/usage-tap.ts";
import type { FixtureExpectation } from "../../support/fixtures.ts";
import { CHUNK_SIZES, cutAt, cutEvery, fixtures, readWith, type TapFixture } from "./fixtures.ts";

function outcomeOf(result: TapResult, expected: FixtureExpectation): FixtureExpectation["outcome"] {
  if (result.error) return "error";
  if (!result.complete && !(expected.outcome === "ok" || expected.outcome === "incomplete")) return "cut";
  return expected.outcome === "incomplete" ? "incomplete" : "ok";
}

function check(result: TapResult, { expect: expected, sse, name }: TapFixture, how: string): void {
  const { usage } = result;
  expect(
    {
      sse: result.sse,
      model: result.model ?? null,
      input: usage?.inputTokens ?? null,
      output: usage?.outputTokens ?? null,
      cacheRead: usage?.cacheReadTokens ?? null,
      cacheWrite: usage?.cacheWriteTokens ?? null,
      cacheWrite1h: usage?.cacheWrite1hTokens ?? null,
      reasoning: usage?.reasoningTokens ?? null,
      reported: usage !== undefined,
      final: result.final,
      complete: result.complete,
      outcome: outcomeOf(result, expected),
      parseErrors: result.parseErrors,
    },
    `${name} ${how}`,
  ).toEqual({
    sse,
    model: expected.model,
    input: expected.input_tokens ?? null,
    output: expected.output_tokens ?? null,
    cacheRead: expected.cached_input_tokens ?? null,
    cacheWrite: expected.cache_creation_input_tokens ?? null,
    cacheWrite1h: expected.cache_creation_1h_input_tokens ?? null,
    reasoning: expected.reasoning_tokens ?? null,
    reported: expected.usage_reported,
    final: expected.usage_final,
    complete: expected.complete,
    outcome: expected.outcome,
    parseErrors: 0,
  });
  if (expected.response_id) expect(result.responseId, name).toBe(expected.response_id);
  if (expected.service_tier) expect(result.serviceTier, name).toBe(expected.service_tier);
}

describe("usage tap on the shared fixtures", () => {
  test.each(fixtures.map((fixture) => [fixture.name, fixture] as const))(
    "%s comes out right at every chunking",
    (_, fixture) => {
      const { body, path, status, sse } = fixture;
      const whole = readWith([body], { path, status, sse });
      check(whole, fixture, "whole");
      check(readWith([body], { path, status, sse: undefined }), fixture, "without a content type");
      for (const size of CHUNK_SIZES) {
        const result = readWith(cutEvery(body, size), { path, status, sse });
        check(result, fixture, `in chunks of ${size}`);
        expect(result, `${fixture.name} in chunks of ${size}`).toEqual(whole);
      }
    },
  );

  test.each(
    fixtures.filter(({ body }) => body.length < 4000).map((fixture) => [fixture.name, fixture] as const),
  )("%s comes out the same cut at every index", (_, { body, path, status, sse }) => {
    const whole = readWith([body], { path, status, sse });
    for (let i = 0; i <= body.length; i++) {
      expect(readWith(cutAt(body, i), { path, status, sse }), `cut at ${i}`).toEqual(whole);
      expect(readWith(cutAt(body, i), { path, status, sse: undefined }), `cut at ${i}, sniffed`).toEqual(
        whole,
      );
    }
  });
});

const CHAT = "/v1/chat/completions";
const MESSAGES = "/v1/messages";
const RESPONSES = "/v1/responses";
const bytes = (text: string) => new TextEncoder().encode(text);
const readJson = (body: string, path = CHAT) => readWith([bytes(body)], { path, sse: false });
const readEvents = (events: readonly string[], path = CHAT) =>
  readWith([bytes(events.map((data) => `data: ${data}\n\n`).join(""))], { path, sse: true });
const usageOf = (usage: string) => readJson(`{"usage":${usage}}`);

describe("usage blocks", () => {
  test.each(["12.0", "1.2e1", "120E-1", "12"])("%s is the count 12", (written) => {
    expect(usageOf(`{"prompt_tokens":${written}}`)).toMatchObject({
      usage: { inputTokens: 12 },
      parseErrors: 0,
    });
  });

  test.each([
    '"12"',
    "-1",
    "1.5",
    "true",
    "false",
    "1e400",
    "9007199254740993",
    "01",
    "1_0",
    "NaN",
    "{}",
    "[1]",
    "1".repeat(50),
  ])("%s costs its own member and is flagged", (written) => {
    const { usage, parseErrors } = usageOf(`{"prompt_tokens":${written},"completion_tokens":3}`);
    expect(usage).toEqual({ outputTokens: 3 });
    expect(parseErrors).toBe(1);
  });

  test("null is absent, zero is zero, and neither is an error", () => {
    expect(usageOf('{"prompt_tokens":null,"completion_tokens":0}')).toMatchObject({
      usage: { outputTokens: 0 },
      parseErrors: 0,
    });
    expect(usageOf('{"prompt_tokens":-0}').usage).toEqual({ inputTokens: 0 });
  });

  test("a block without any count is no usage, and replaces none", () => {
    expect(usageOf("{}").usage).toBeUndefined();
    expect(usageOf('{"dram_cached_tokens":1}').usage).toBeUndefined();
    expect(usageOf('{"prompt_tokens":"x"}').usage).toBeUndefined();
    const body =
      '{"usage":{"prompt_tokens":3},"x_groq":{"usage":{"dram_cached_tokens":1,"sram_cached_tokens":2}}}';
    expect(readJson(body)).toMatchObject({ usage: { inputTokens: 3 }, usageText: '{"prompt_tokens":3}' });
  });

  test("seconds of audio are reported usage without counts", () => {
    const read = (seconds: string) =>
      readJson(`{"usage":{"type":"duration","seconds":${seconds}}}`, "/v1/audio/transcriptions");
    for (const seconds of ["4", "4.25"])
      expect(read(seconds)).toMatchObject({ usage: {}, final: true, parseErrors: 0 });
  });

  test("a later block replaces, null erases nothing, and a block that is cut counts for nothing", () => {
    const first = '{"usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":1}}}';
    expect(readEvents([first, '{"usage":{"completion_tokens":2}}']).usage).toEqual({ outputTokens: 2 });
    expect(readEvents([first, '{"usage":null}']).usage).toEqual({ inputTokens: 1, cacheReadTokens: 1 });
    expect(readEvents([first, '{"usage":{"prompt_tokens":7']).usage).toEqual({
      inputTokens: 1,
      cacheReadTokens: 1,
    });
    expect(readJson('{"usage":{"prompt_tokens":7').usage).toBeUndefined();
  });

  test("blocks of one message are merged member by member, and only the last word is final", () => {
    const start =
      '{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}}}';
    expect(readEvents([start], MESSAGES)).toMatchObject({
      usage: { inputTokens: 17, outputTokens: 1 },
      final: false,
    });
    const merged = readEvents(
      [start, '{"type":"message_delta","usage":{"input_tokens":null,"output_tokens":9}}'],
      MESSAGES,
    );
    expect(merged).toMatchObject({
      usage: { inputTokens: 17, outputTokens: 9, cacheReadTokens: 5 },
      final: true,
    });
    const malformed = readEvents([start, '{"type":"message_delta","usage":{"output_tokens":"9"}}'], MESSAGES);
    expect(malformed.usage).toEqual({ inputTokens: 17, cacheReadTokens: 5, cacheWriteTokens: 2 });
    expect(malformed.parseErrors).toBe(1);
  });

  test("reasoning is added only where the total says that it stands outside", () => {
    const read = (total: number, path = CHAT) =>
      readJson(
        `{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":${total},"completion_tokens_details":{"reasoning_tokens":3}}}`,
        path,
      ).usage?.outputTokens;
    expect([read(18), read(15), read(99), read(18, RESPONSES)]).toEqual([8, 5, 5, 5]);
  });

  test("reasoning that is more than the output stands outside, whatever the total says", () => {
    for (const total of ["", ',"total_tokens":null', ',"total_tokens":99'])
      expect(
        readJson(
          `{"usage":{"prompt_tokens":10,"completion_tokens":6,"completion_tokens_details":{"reasoning_tokens":13}${total}}}`,
        ).usage,
      ).toEqual({ inputTokens: 10, outputTokens: 19, reasoningTokens: 13 });
  });

  test("cache writes are the sum of their kinds where only those are said", () => {
    const read = (more: string) =>
      readJson(
        `{"usage":{"input_tokens":10,"output_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":3}${more}}}`,
        MESSAGES,
      ).usage;
    expect(read("")).toMatchObject({ inputTokens: 17, cacheWriteTokens: 7, cacheWrite1hTokens: 3 });
    expect(read(',"cache_creation_input_tokens":9')).toMatchObject({ inputTokens: 19, cacheWriteTokens: 9 });
  });

  test("the text of the block is one line as received, or absent", () => {
    const usage = '{ "prompt_tokens":1,\r\n "cost": 1.0E-7, "id": 18446744073709551615 }';
    expect(usageOf(usage).usageText).toBe(usage.replace("\r\n", "  "));
    expect(usageOf(`{"prompt_tokens":1,"pad":"${"x".repeat(2048)}"}`)).toMatchObject({
      usage: { inputTokens: 1 },
    });
    expect(usageOf(`{"prompt_tokens":1,"pad":"${"x".repeat(2048)}"}`).usageText).toBeUndefined();
    expect(usageOf('{"prompt_tokens":1,}').usageText).toBeUndefined();
  });

  test("counts of tokens that were not spent are no usage", () => {
    for (const path of ["/v1/messages/count_tokens", "/v1/responses/input_tokens?x=1"]) {
      expect(readJson('{"input_tokens":14,"usage":{"input_tokens":3}}', path).usage).toBeUndefined();
    }
  });
});

describe("what a response says of itself", () => {
  test("ids and tiers that are not short and plain are left out, models that are no names too", () => {
    const long = "x".repeat(129);
    const read = readJson(`{"id":"${long}","service_tier":"a b","model":"${"m".repeat(257)}"}`);
    expect(read.responseId).toBeUndefined();
    expect(read.serviceTier).toBeUndefined();
    expect(read.model).toBeUndefined();
    expect(readJson('{"model":"a\\u0007"}').model).toBeUndefined();
    expect(readJson('{"model":"mod\u00e8le"}').model).toBe("mod\u00e8le");
  });

  test.each<[string, string, string]>([
    ["an error object", '{"error":{"message":"x"}}', CHAT],
    ["an error string", '{"code":"x","error":"bad"}', CHAT],
    ["an error by its type", '{"type":"error","x":1}', MESSAGES],
    ["an error by its object", '{"object":"error","message":{}}', CHAT],
    ["a failed response", '{"type":"response.failed","response":{}}', RESPONSES],
  ])("%s is an error, as a body and as an event", (_, document, path) => {
    expect(readJson(document, path).error).toBe(true);
    expect(readEvents([document], path).error).toBe(true);
    expect(readEvents([`{"x":${document}}`, '{"error":null}'], path).error).toBe(false);
  });

  test("a stream is complete after its own end and nothing else", () => {
    expect(readEvents(["{}", "[DONE]"]).complete).toBe(true);
    expect(readEvents(["{}", "[DONE] x"]).complete).toBe(false);
    expect(readEvents(["[DONE]"], MESSAGES).complete).toBe(false);
    expect(readEvents(['{"type":"message_stop"}'], MESSAGES).complete).toBe(true);
    expect(readEvents(['{"x":{"type":"message_stop"}}'], MESSAGES).complete).toBe(false);
    expect(readEvents(['{"type":"response.incomplete"}'], RESPONSES).complete).toBe(true);
    expect(readEvents(['{"type":"response.output_text.done"}'], RESPONSES).complete).toBe(false);
    expect(readEvents(['{"type":"image_generation.completed"}'], "/v1/images/generations").complete).toBe(
      true,
    );
    expect(readWith([bytes("data: [DONE]\n")], { path: CHAT, sse: true }).complete).toBe(false);
  });

  test("a body is told from a stream by its first bytes when the content type is wrong or missing", () => {
    const json = bytes(' \n{"model":"m"}');
    const sse = bytes('\n: hi\n\ndata: {"model":"m"}\n\n');
    for (const hint of [true, false, undefined]) {
      for (let i = 0; i <= 8; i++) {
        expect(readWith(cutAt(json, i), { path: CHAT, sse: hint })).toMatchObject({ sse: false, model: "m" });
        expect(readWith(cutAt(sse, i), { path: CHAT, sse: hint })).toMatchObject({ sse: true, model: "m" });
      }
    }
  });
});

describe("text for estimates", () => {
  test.each<[string, string, string, number]>([
    ["chat content", '{"choices":[{"delta":{"content":"h\\u00e9"}}]}', CHAT, 3],
    [
      "parts of content",
      '{"choices":[{"message":{"content":[{"text":"abc"},{"thinking":[{"text":"d"}]}]}}]}',
      CHAT,
      4,
    ],
    [
      "tool calls",
      '{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}',
      CHAT,
      3,
    ],
    [
      "reasoning once under two names",
      '{"choices":[{"delta":{"reasoning":"abc","reasoning_content":"abc"}}]}',
      CHAT,
      3,
    ],
    ["text once under two names", '{"choices":[{"text":"abc","delta":{"content":"abc"}}]}', CHAT, 3],
    [
      "no audio, logprobs or annotations",
      '{"choices":[{"delta":{"audio":{"data":"AAAA"},"annotations":[{"text":"x"}]},"logprobs":{"content":[{"token":"a"}]}}]}',
      CHAT,
      0,
    ],
    ["transcripts", '{"choices":[{"delta":{"audio":{"data":"AAAA","transcript":"hi"}}}]}', CHAT, 2],
    ["completions", '{"choices":[{"text":"abc"}]}', "/v1/completions", 3],
  ])("counts %s", (_, document, path, size) => {
    expect(readEvents([document], path)).toMatchObject({
      outputTextBytes: size,
      outputDeltas: size > 0 ? 1 : 0,
    });
    expect(readJson(document, path).outputTextBytes).toBe(size);
  });

  test.each<[string, string, string, number]>([
    [
      "deltas of messages",
      '{"delta":{"type":"x","text":"ab","partial_json":"c","signature":"zzz"}}',
      MESSAGES,
      3,
    ],
    ["deltas of responses", '{"delta":"abc","type":"response.output_text.delta"}', RESPONSES, 3],
    [
      "deltas of audio that are transcripts",
      '{"type":"response.audio_transcript.delta","delta":"ab"}',
      RESPONSES,
      2,
    ],
    [
      "no deltas of audio, whatever comes first",
      '{"delta":"AAAA","type":"response.audio.delta"}',
      RESPONSES,
      0,
    ],
    [
      "no repeated text",
      '{"type":"response.output_text.done","text":"abc","part":{"text":"abc"}}',
      RESPONSES,
      0,
    ],
  ])("counts %s in streams", (_, document, path, size) => {
    expect(readEvents([document], path).outputTextBytes).toBe(size);
  });

  test("counts what a cut body held", () => {
    expect(readJson('{"choices":[{"message":{"content":"abcdef').outputTextBytes).toBe(6);
    expect(
      readJson('{"content":[{"type":"tool_use","input":{"k":"v","o":["w"]}}]}', MESSAGES).outputTextBytes,
    ).toBe(2);
    expect(
      readWith([bytes('data: {"delta":{"text":"abc')], { path: MESSAGES, sse: true }).outputTextBytes,
    ).toBe(3);
  });
});
