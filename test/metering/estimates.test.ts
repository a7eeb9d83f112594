/** Estimates on the shared fixture streams, cut where a client or a provider may cut them: low, and never far off. */
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cutMidBody } from "../support/answers.ts";
import { type Fixture, fixtureNames, readFixture } from "../support/fixtures.ts";
import type { Row } from "../support/rows.ts";
import { type MeteringLab, post, rowAfter, useLab } from "./lab.ts";

const lab = useLab();
const CUTS = [0.1, 0.5, 0.99];

const streams = fixtureNames
  .map(readFixture)
  .filter(
    ({ stream, response }) =>
      stream && response.status === 200 && /event-stream/.test(response.headers["content-type"] ?? ""),
  );

/**
 * Streams whose invented counts fit their text, so that the tokens of a part can be told: by the share of the whole
 * text that it holds. The others have hidden reasoning, or counts from nowhere.
 */
const TRUE_TO_TEXT = [
  "anthropic-messages-stream-long",
  "anthropic-messages-stream-gzip",
  "fireworks-chat-stream",
  "groq-chat-stream",
  "mistral-chat-stream",
  "openai-chat-stream-crlf",
  "openai-completions-stream",
  "together-chat-stream",
];
/** A part of fewer tokens says nothing: one token more or less is beyond any bound. */
const LEAST_TOKENS = 5;

describe("a stream that was cut", () => {
  for (const fixture of streams) {
    it(`is estimated by the contract's formula: ${fixture.name}`, async () => {
      for (const share of CUTS) {
        const { row, received } = await cutAt(lab, fixture, share);
        if (row.usage_source === "reported") continue;
        const blocks = wholeBlocks(fixture);
        const whole = blocksOf(received).length - 1;
        // The event that was cut counts as far as it came.
        expect(row.output_tokens).toBeGreaterThanOrEqual(estimate(blocks.slice(0, whole)));
        const said = fixture.api === "messages" ? (fixture.expect.output_tokens ?? 0) : 0;
        const most = estimate(blocks.slice(0, whole + 1));
        expect(row.output_tokens).toBeLessThanOrEqual(
          row.usage_source === "partial" ? Math.max(most, said) : most,
        );
      }
    });
  }

  for (const name of TRUE_TO_TEXT) {
    it(`holds between half of the estimate's tokens and a little less than all: ${name}`, async () => {
      const fixture = readFixture(name);
      const whole = textOf(wholeBlocks(fixture));
      for (const share of CUTS) {
        const { row, received } = await cutAt(lab, fixture, share);
        if (row.usage_source === "reported") continue;
        const parts = wholeBlocks(fixture).slice(0, blocksOf(received).length);
        const held = ((fixture.expect.output_tokens ?? 0) * textOf(parts).bytes) / whole.bytes;
        if (held < LEAST_TOKENS) continue;
        expect(row.output_tokens).toBeGreaterThanOrEqual(0.5 * held);
        expect(row.output_tokens).toBeLessThanOrEqual(1.05 * held);
      }
    });
  }
});

async function cutAt(
  { standIn, gateway }: MeteringLab,
  fixture: Fixture,
  share: number,
): Promise<{ row: Row; received: string }> {
  const part = fixture.body.subarray(0, Math.floor(fixture.body.length * share));
  standIn.setDefault(cutMidBody(fixture.response.headers, part, "fin"));
  const before = gateway.rows().length;
  const target = `/${fixture.provider}${fixture.path}`;
  const connection = await post(lab, { target, body: fixture.request });
  await connection.readResponse().catch(() => undefined);
  connection.destroy();
  const row = await rowAfter(lab, before);
  expect(row.response_bytes).toBe(part.length);
  return { row, received: decoded(fixture, part) };
}

/** As far as it can be decoded. */
function decoded({ response }: Fixture, bytes: Uint8Array): string {
  const isGzip = response.headers["content-encoding"] === "gzip";
  const plain = isGzip
    ? gunzipSync(bytes, { finishFlush: 2 /* Z_SYNC_FLUSH: a cut stream is no error */ })
    : bytes;
  return new TextDecoder().decode(plain);
}

const blocksOf = (stream: string): string[] => stream.replace(/^\uFEFF/, "").split(/\r\n\r\n|\n\n|\r\r/);

/** Some fixtures end within an event. */
function wholeBlocks(fixture: Fixture): string[] {
  const blocks = blocksOf(decoded(fixture, fixture.body));
  return fixture.expect.outcome === "cut" ? blocks.slice(0, -1) : blocks;
}

function estimate(blocks: readonly string[]): number {
  const { deltas, bytes } = textOf(blocks);
  return Math.max(deltas, Math.floor(bytes / 4.5));
}

/** Counts generated text as a reader with JSON.parse would. */
function textOf(blocks: readonly string[]): { deltas: number; bytes: number } {
  const sizes = blocks.map(dataOf).map((data) => (data.startsWith("{") ? sizeOf(JSON.parse(data)) : 0));
  return {
    deltas: sizes.filter((size) => size > 0).length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

function dataOf(block: string): string {
  const lines = block.split(/\r\n|\n|\r/).filter((line) => line.startsWith("data:"));
  return lines
    .map((line) => line.slice(5))
    .join("\n")
    .trim();
}

interface ChatDelta {
  readonly content?: string | null;
  readonly reasoning?: string;
  readonly reasoning_content?: string;
  readonly refusal?: string | null;
  readonly tool_calls?: readonly {
    readonly function?: { readonly name?: string; readonly arguments?: string };
  }[];
}

interface StreamEvent {
  readonly choices?: readonly { readonly delta?: ChatDelta; readonly text?: string }[];
  readonly delta?:
    | string
    | { readonly text?: string; readonly thinking?: string; readonly partial_json?: string };
}

function sizeOf({ choices = [], delta }: StreamEvent): number {
  const texts: (string | null | undefined)[] = [];
  if (typeof delta === "string") texts.push(delta);
  else texts.push(delta?.text, delta?.thinking, delta?.partial_json);
  for (const { delta: part, text } of choices) {
    // Together sends the same text under two names.
    texts.push(part?.content ?? text, part?.refusal, part?.reasoning ?? part?.reasoning_content);
    for (const call of part?.tool_calls ?? []) texts.push(call.function?.name, call.function?.arguments);
  }
  return texts.reduce((sum, text) => sum + (typeof text === "string" ? Buffer.byteLength(text) : 0), 0);
}
