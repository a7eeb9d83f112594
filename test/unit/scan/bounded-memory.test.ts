import { describe, expect, test } from "vitest";
import { createUsageFilter } from "../../../src/scan/usage-filter.ts";
import { createUsageInjector } from "../../../src/scan/usage-injection.ts";
import { createUsageTap } from "../../../src/scan/usage-tap.ts";
import { wireOf } from "../../../src/scan/wires.ts";

const CHUNK_BYTES = 65_536;
const MEGABYTES = 200;
/** Well below the 200 MB of keeping the body in any form, and above what a heap has uncollected at any time. */
const MAX_GROWTH_BYTES = 80 * 1024 * 1024;

const bytes = (text: string) => new TextEncoder().encode(text);

/** Feeds the head, then 200 MB of one filler in a buffer that is overwritten after each push, then the tail. */
function feed(push: (chunk: Uint8Array) => void, filler: string, head: string, tail: string): number {
  const buffer = new Uint8Array(CHUNK_BYTES);
  const full = bytes(filler.repeat(CHUNK_BYTES / filler.length));
  expect(full.length, "a filler that fills a chunk exactly").toBe(CHUNK_BYTES);
  push(bytes(head));
  const before = held();
  for (let fed = 0; fed < MEGABYTES * 1024 * 1024; fed += CHUNK_BYTES) {
    buffer.set(full);
    push(buffer);
    buffer.fill(0xff);
  }
  const growth = held() - before;
  push(bytes(tail));
  return growth;
}

function held(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe("memory stays bounded over 200 MB", () => {
  test.each([
    ["one string", "abcdefgh", '{"messages":["', '"],"stream":true,"model":"m"}'],
    ["one stream_options", '{"a":1},', '{"stream":true,"stream_options":{"x":[', '0]},"model":"m"}'],
    ["one name", "abcdefgh", '{"stream":true,"', '":1,"model":"m"}'],
    ["one number", "12345678", '{"stream":true,"n":', ',"model":"m"}'],
    ["one model, then another", "abcdefgh", '{"stream":true,"model":"', '","model":"m"}'],
  ])("of %s in a request", (_, filler, head, tail) => {
    const injector = createUsageInjector();
    expect(feed((chunk) => void injector.push(chunk), filler, head, tail)).toBeLessThan(MAX_GROWTH_BYTES);
    injector.end();
    expect(injector.facts).toMatchObject({ model: "m", stream: true, done: true });
  });

  const USAGE = '"usage":{"prompt_tokens":3},"model":"m"}';
  test.each([
    ["one string of a body", "abcdefgh", '{"choices":[{"message":{"content":"', `"}}],${USAGE}`],
    ["one deep body", '[{"abc":', '{"x":', ""],
    ["one usage object", '"p":"x",', '{"model":"m","usage":{"prompt_tokens":3,', '"z":1}}'],
    ["one line", "abcdefgh", 'data: {"x":"', `",${USAGE}\n\n`],
    ["data lines of one event", "data:1,\n", "data: [\n", `data: 0]\n\ndata: {${USAGE}\n\n`],
    ["comments", ": note\n\n", "\n", `data: {${USAGE}\n\n`],
    ["one field name", "abcdefgh", "data: {}\n\nx", `\ndata: {${USAGE}\n\n`],
    ["undecided events", "a ", 'data: {"choices":[],"x":"', `",${USAGE}\n\n`],
  ])("of %s in a response", (_, filler, head, tail) => {
    const tap = createUsageTap({ wire: wireOf("/v1/chat/completions"), sse: undefined, status: 200 });
    const filter = createUsageFilter(tap);
    expect(feed((chunk) => void filter.push(chunk), filler, head, tail)).toBeLessThan(MAX_GROWTH_BYTES);
    filter.end();
    if (tail !== "") expect(tap.result()).toMatchObject({ model: "m", usage: { inputTokens: 3 } });
  });
});
