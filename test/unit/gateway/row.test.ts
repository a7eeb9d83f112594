import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRow, USAGE_TEXT, type UsageRow } from "../../../src/gateway/row.ts";

const ROW: UsageRow = {
  target: "ai.usage",
  timestamp: "2026-11-22T01:02:03.004Z",
  request_id: "019a0f3c-5b1e-7000-8000-000000000000",
  tenant_id: "18446744073709551615",
  vpc_id: "1",
  kid: 1,
  provider: "openai",
  dialect: "openai",
  path: "/v1/chat/completions",
  stream: false,
  outcome: "ok",
  usage_source: "none",
  latency_ms: 12,
  request_bytes: 3,
  response_bytes: 4,
};

describe("formatRow", () => {
  it("leaves out what is absent, and writes ids as the integers that they are", () => {
    expect(formatRow(ROW)).toBe(
      '{"target":"ai.usage","timestamp":"2026-11-22T01:02:03.004Z","request_id":"019a0f3c-5b1e-7000-8000-000000000000"' +
        ',"tenant_id":18446744073709551615,"vpc_id":1,"kid":1,"provider":"openai","dialect":"openai"' +
        ',"path":"/v1/chat/completions","stream":false,"outcome":"ok","usage_source":"none"' +
        ',"latency_ms":12,"request_bytes":3,"response_bytes":4}',
    );
  });

  it("writes every field in the contract's order", () => {
    const line = formatRow({
      ...ROW,
      key_id: "7",
      model: "m-1",
      requested_model: "m",
      status: 200,
      input_tokens: 6,
      output_tokens: 5,
      cache_read_tokens: 4,
      cache_write_tokens: 3,
      cache_write_1h_tokens: 2,
      reasoning_tokens: 0,
      usage: { a: 1.5 },
      service_tier: "default",
      response_id: "r",
      ttft_ms: 0,
    });
    const { usage, ...rest } = JSON.parse(line);
    expect(usage).toEqual({ a: 1.5 });
    expect(Object.keys(rest).join()).toBe(
      "target,timestamp,request_id,tenant_id,vpc_id,key_id,kid,provider,dialect,path,model,requested_model,stream,status," +
        "outcome,usage_source,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cache_write_1h_tokens," +
        "reasoning_tokens,service_tier,response_id,ttft_ms,latency_ms,request_bytes,response_bytes",
    );
    expect(rest).toMatchObject({ key_id: 7, cache_write_1h_tokens: 2, reasoning_tokens: 0, ttft_ms: 0 });
  });

  it("repeats the provider's usage object digit by digit", () => {
    expect(formatRow({ ...ROW, usage: { cost: 1 }, [USAGE_TEXT]: '{"cost": 1.0}' })).toContain(
      '"usage":{"cost": 1.0},"latency_ms"',
    );
  });

  it("escapes whatever a client or a provider may have written", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const line = formatRow({ ...ROW, path: text, model: text, service_tier: text });
        expect(line).toContain(`"path":${JSON.stringify(text)},"model":${JSON.stringify(text)},`);
        expect(JSON.parse(line)).toMatchObject({ path: text, model: text, service_tier: text });
      }),
    );
  });
});
