import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createAssembler } from "../../../src/agent/assemble.ts";
import { dialects } from "../../../src/agent/dialects/table.ts";
import { ModelError } from "../../../src/agent/errors.ts";
import { asArray, asObject, type JsonObject } from "../../../src/agent/json.ts";
import { createSseReader } from "../../../src/agent/sse-reader.ts";
import type { Message, StreamEvent } from "../../../src/agent/types.ts";
import { wholeInput } from "../../../src/agent/usage.ts";

const folder = new URL("../../fixtures/", import.meta.url);

interface Fixture {
  readonly name: string;
  readonly api: "chat" | "messages";
  readonly bytes: Uint8Array;
  readonly expect: JsonObject;
}

/** Every event stream of the two wires that the agent speaks. */
function fixtures(): Fixture[] {
  const names = readdirSync(folder).filter((name) => /-stream.*\.json$/.test(name));
  return names.flatMap((file) => {
    const meta = asObject(JSON.parse(readFileSync(new URL(file, folder), "utf8"))) ?? {};
    const headers = asObject(asObject(meta.response)?.headers) ?? {};
    if (meta.api !== "chat" && meta.api !== "messages") return [];
    if (!String(headers["content-type"]).includes("event-stream")) return [];
    const name = file.slice(0, -".json".length);
    const raw = readFileSync(new URL(`${name}.body`, folder));
    const bytes = headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
    return [{ name, api: meta.api, bytes, expect: asObject(meta.expect) ?? {} }];
  });
}

interface Decoded {
  readonly events: readonly StreamEvent[];
  readonly error: ModelError | undefined;
  readonly done: boolean;
}

function decode({ api, bytes }: Fixture, size: number): Decoded {
  const sse = createSseReader();
  const decoder = dialects[api === "chat" ? "openai" : "anthropic"].createDecoder();
  const events: StreamEvent[] = [];
  try {
    for (let at = 0; at < bytes.length; at += size) {
      for (const event of sse.push(bytes.subarray(at, at + size))) events.push(...decoder.push(event));
    }
  } catch (thrown) {
    if (!(thrown instanceof ModelError)) throw thrown;
    return { events, error: thrown, done: decoder.done };
  }
  return { events, error: undefined, done: decoder.done };
}

/** What the stream says, read the slow way: whole, with no decoder of ours. What has no blank line after it was cut. */
function oracle({ api, bytes }: Fixture): { text: string; thinking: string; calls: [string, string][] } {
  const text = new TextDecoder().decode(bytes).replaceAll("\r\n", "\n");
  const payloads = text
    .split("\n\n")
    .slice(0, -1)
    .map((event) =>
      event
        .split("\n")
        .flatMap((line) => (line.startsWith("data:") ? [line.slice(5)] : []))
        .join("\n"),
    );
  const said = { text: "", thinking: "", calls: [] as [string, string][] };
  for (const payload of payloads) {
    if (payload.trim() === "" || payload.trim() === "[DONE]") continue;
    const value = asObject(JSON.parse(payload)) ?? {};
    if (api === "chat") chatOracle(value, said);
    else messagesOracle(value, said);
  }
  return said;
}

type Said = ReturnType<typeof oracle>;

function chatOracle(chunk: JsonObject, said: Said): void {
  for (const item of asArray(chunk.choices)) {
    const choice = asObject(item) ?? {};
    if (choice.index !== 0) continue;
    const delta = asObject(choice.delta) ?? {};
    said.text += delta.content ?? "";
    said.thinking += delta.reasoning_content ?? delta.reasoning ?? "";
    for (const part of asArray(delta.tool_calls)) {
      const call = asObject(part) ?? {};
      const fn = asObject(call.function) ?? {};
      const [name, json] = said.calls[Number(call.index)] ?? [String(fn.name), ""];
      said.calls[Number(call.index)] = [name, json + String(fn.arguments)];
    }
  }
}

function messagesOracle(event: JsonObject, said: Said): void {
  const delta = asObject(event.delta) ?? {};
  const block = asObject(event.content_block) ?? {};
  if (block.type === "tool_use") said.calls.push([String(block.name), ""]);
  if (delta.type === "text_delta") said.text += delta.text;
  if (delta.type === "thinking_delta") said.thinking += delta.thinking;
  const last = said.calls.at(-1);
  if (delta.type === "input_json_delta" && last) last[1] += delta.partial_json;
}

function assembled(events: readonly StreamEvent[]) {
  const assembler = createAssembler("m", new Set());
  for (const event of events) assembler.push(event);
  return assembler.answer();
}

function textOf(message: Message): string {
  return message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

function thinkingOf(message: Message): string {
  return message.content.map((block) => (block.type === "thinking" ? block.thinking : "")).join("");
}

const all = fixtures();

describe("golden streams", () => {
  it("covers both wires", () => {
    expect(all.filter((fixture) => fixture.api === "chat").length).toBeGreaterThanOrEqual(25);
    expect(all.filter((fixture) => fixture.api === "messages").length).toBeGreaterThanOrEqual(8);
  });

  describe.each(all)("$name", (fixture) => {
    const whole = decode(fixture, fixture.bytes.length);

    it("decodes to the same events at every chunking", () => {
      for (const size of [1, 2, 3, 7, 61, 1024, 4096]) {
        expect(decode(fixture, size), `chunks of ${size}`).toEqual(whole);
      }
    });

    it("ends as the protocol says", () => {
      const { complete, outcome } = fixture.expect;
      expect(whole.done).toBe(complete);
      expect(whole.error !== undefined).toBe(outcome === "error");
      expect(whole.events.at(-1)?.type === "message_stop").toBe(complete);
      expect(whole.events[0]).toEqual({ type: "message_start" });
    });

    it("says what the provider said", () => {
      const wanted = oracle(fixture);
      const { message, badInput } = assembled(whole.events);
      const calls = message.content.filter((block) => block.type === "tool_use");
      expect(textOf(message)).toBe(wanted.text);
      expect(thinkingOf(message)).toBe(wanted.thinking);
      expect(calls.map((call) => [call.name, call.input])).toEqual(
        wanted.calls.map(([name, json]) => [name, JSON.parse(json)]),
      );
      expect(badInput.size).toBe(0);
    });

    it("counts tokens as the fixture does", () => {
      if (fixture.expect.complete !== true || fixture.expect.usage_reported !== true) {
        expect(whole.events.some((event) => event.type === "usage") && fixture.api === "chat").toBe(false);
        return;
      }
      const { usage } = assembled(whole.events);
      expect({
        input: wholeInput(usage),
        output: usage.output_tokens,
        read: usage.cache_read_tokens,
        written: usage.cache_write_tokens,
        reasoning: usage.reasoning_tokens,
      }).toEqual({
        input: fixture.expect.input_tokens,
        output: fixture.expect.output_tokens,
        read: fixture.expect.cached_input_tokens ?? 0,
        written: fixture.expect.cache_creation_input_tokens ?? 0,
        reasoning: fixture.expect.reasoning_tokens ?? 0,
      });
    });

    it("closes each block once, and opens none after its end", () => {
      const closed = new Set<number>();
      for (const event of whole.events) {
        if (!("index" in event)) continue;
        expect(closed.has(event.index)).toBe(false);
        if (event.type === "content_block_stop") closed.add(event.index);
      }
      const opened = new Set(whole.events.flatMap((event) => ("index" in event ? [event.index] : [])));
      if (whole.done) expect(closed).toEqual(opened);
    });
  });
});
