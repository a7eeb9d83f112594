/** §5, §7, §8: every provider response passes byte for byte, and its row holds the numbers of the fixture's `expect`. */
import { expect } from "vitest";
import { fixture as fixtureAnswer } from "../../support/answers.ts";
import { type Fixture, type FixtureExpectation, fixtureNames, readFixture } from "../../support/fixtures.ts";
import type { RawRequest, RawResponse } from "../../support/raw-http.ts";
import type { Row } from "../../support/rows.ts";
import { ask, BYO_KEY, rowOf, rowsOf, type Section } from "../lab.ts";
import { ASKED } from "../setups.ts";

const OUTCOMES = { ok: "ok", incomplete: "ok", error: "upstream_error", cut: "cut_short" } as const;
const BOUNDARY = "fixture-boundary";

/** What may be held of a response, in bytes (§5); a larger one streams. */
const WHOLE_BYTES = 65_536;
const LARGE = "openai-embeddings-json-large";

/** The counts of a row, by the fixtures' words for them. */
const COUNTS = {
  input_tokens: "input_tokens",
  output_tokens: "output_tokens",
  cached_input_tokens: "cache_read_tokens",
  cache_creation_input_tokens: "cache_write_tokens",
  cache_creation_1h_input_tokens: "cache_write_1h_tokens",
  reasoning_tokens: "reasoning_tokens",
} as const;

export const fixtures: Section = (check) => {
  for (const name of fixtureNames) {
    const fixture = readFixture(name);
    const target = `/${fixture.provider}${fixture.path}`;

    check(`fixtures/managed:${name}`, `relays ${name} to a managed client and meters it`, async (lab) => {
      lab.standIn.setDefault(fixtureAnswer(name));
      const request = requestOf(fixture);
      const response = await ask(lab.base, { method: fixture.method, target, ...request });
      expectBytes(response, fixture);
      const row = await rowOf(lab.base, response);
      expectRow(row, fixture);
      expect(row.request_bytes).toBe(Buffer.byteLength(String(request.body)));
    });

    check(
      `fixtures/byo:${name}`,
      `relays ${name} to a BYO client, request and all, and writes no row`,
      async (lab) => {
        lab.standIn.setDefault(fixtureAnswer(name));
        const request = requestOf(fixture);
        const response = await ask(lab.base, { method: fixture.method, target, key: BYO_KEY, ...request });
        expectBytes(response, fixture);
        const seen = await lab.standIn.take();
        expect((await seen.body).text()).toBe(request.body);
        expect(await rowsOf(lab, [response])).toEqual([]);
      },
    );
  }

  check(
    "fixtures/large-length",
    "declares the length of a body that streams, if the provider did",
    async (lab) => {
      lab.standIn.setDefault(fixtureAnswer(LARGE));
      const fixture = readFixture(LARGE);
      const { length } = fixture.body;
      expect(length).toBeGreaterThan(WHOLE_BYTES);
      const target = `/${fixture.provider}${fixture.path}`;
      const response = await ask(lab.base, { method: fixture.method, target, ...requestOf(fixture) });
      expect(response.header("content-length")).toEqual([String(length)]);
    },
  );
};

/**
 * The fixture's request. Where a provider would be asked for usage it is made to ask by itself: what a client sees that
 * did not ask is the injection section's subject.
 */
function requestOf({
  request,
  stream,
  provider,
  api,
  request_content_type,
}: Fixture): Pick<RawRequest, "body" | "headers"> {
  if (request_content_type !== undefined) {
    const part = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="model"\r\n\r\nx\r\n--${BOUNDARY}--\r\n`;
    return { body: part, headers: [["content-type", `${request_content_type}; boundary=${BOUNDARY}`]] };
  }
  const isAsked = stream && ASKED.has(provider) && (api === "chat" || api === "completions");
  return {
    body: JSON.stringify(isAsked ? { ...request, stream_options: { include_usage: true } } : request),
  };
}

function expectBytes(response: RawResponse, { response: canned, body }: Fixture): void {
  expect(response.status).toBe(canned.status);
  expect(response.body.equals(body), "the body's bytes are the provider's").toBe(true);
  expect(response.clean).toBe(canned.abort !== true);
  for (const name of ["content-type", "content-encoding"]) {
    expect(response.header(name)).toEqual(canned.headers[name] === undefined ? [] : [canned.headers[name]]);
  }
  if (canned.framing === "content-length" && body.length <= WHOLE_BYTES) {
    expect(response.header("content-length")).toEqual([String(body.length)]);
  }
}

function expectRow(row: Row, { expect: expected, ...fixture }: Fixture): void {
  const requested = fixture.request_content_type === undefined ? fixture.request.model : undefined;
  expect(row).toMatchObject({
    target: "ai.usage",
    provider: fixture.provider,
    dialect: fixture.api === "messages" || fixture.api === "count_tokens" ? "anthropic" : "openai",
    path: fixture.path,
    status: fixture.response.status,
    outcome: OUTCOMES[expected.outcome],
    stream: fixture.response.headers["content-type"]?.startsWith("text/event-stream") === true,
    response_bytes: fixture.body.length,
  });
  expect(row.requested_model).toBe(requested);
  expect(row.model).toBe(expected.model ?? requested);
  if (expected.response_id !== undefined) expect(row.response_id).toBe(expected.response_id);
  if (expected.service_tier !== undefined) expect(row.service_tier).toBe(expected.service_tier);
  expectCounts(row, expected);
}

function expectCounts(row: Row, expected: FixtureExpectation): void {
  if (!expected.usage_reported) {
    expect(row.usage_source).not.toBe("reported");
    // Nothing was generated for an error status, so nothing is estimated either.
    if ((row.status ?? 0) >= 300) expect([row.usage_source, row.input_tokens]).toEqual(["none", undefined]);
    return;
  }
  if (!expected.usage_final) {
    expect(row.input_tokens).toBe(expected.input_tokens ?? undefined);
    expect(row.output_tokens ?? 0).toBeGreaterThanOrEqual(expected.output_tokens ?? 0);
    return;
  }
  expect(row.usage_source).toBe("reported");
  const got = Object.fromEntries(Object.entries(COUNTS).map(([word, field]) => [word, row[field]]));
  const wanted = Object.fromEntries(
    Object.keys(COUNTS).map((word) => [word, expected[word as keyof typeof COUNTS] ?? undefined]),
  );
  expect(got).toEqual(wanted);
}
