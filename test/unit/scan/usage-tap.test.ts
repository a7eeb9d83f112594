import { describe, expect, test } from "vitest";
import type { TapResult } from "../../../src/scan/usage-tap.ts";
import { CHUNK_SIZES, cutAt, cutEvery, type Expected, type Fixture, fixtures, readWith } from "./fixtures.ts";

function outcomeOf(result: TapResult, expected: Expected): Expected["outcome"] {
  if (result.error) return "error";
  if (!result.complete && !(expected.outcome === "ok" || expected.outcome === "incomplete")) return "cut";
  return expected.outcome === "incomplete" ? "incomplete" : "ok";
}

function check(result: TapResult, { expect: expected, sse, name }: Fixture, how: string): void {
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
