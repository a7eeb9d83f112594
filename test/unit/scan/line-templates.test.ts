import { describe, expect, test } from "vitest";
import { createChunkWords, useChunk } from "../../../src/scan/byte-search.ts";
import { compileTemplate } from "../../../src/scan/line-template.ts";
import { LineTemplates } from "../../../src/scan/line-templates.ts";
import { ResponseReader } from "../../../src/scan/response-reader.ts";
import { wireOf } from "../../../src/scan/wires.ts";
import { cutEvery, readWith } from "./fixtures.ts";
import { createRandom, cutAtRandom, pick } from "./wild-json.ts";
import { writeStream } from "./wild-stream.ts";

const CHAT_WIRE = wireOf("/v1/chat/completions");

const bytes = (text: string) => new TextEncoder().encode(text);
const PATHS = { chat: "/v1/chat/completions", responses: "/v1/responses", messages: "/v1/messages" } as const;

/** Learns one event and tells what another one counts, or undefined where it does not fit. */
function matchAfter(learned: string, next: string): { deltas: number; textBytes: number } | undefined {
  const reader = new ResponseReader(CHAT_WIRE, CHAT_WIRE.sse);
  reader.begin();
  const templates = new LineTemplates(CHAT_WIRE.sse);
  const input = bytes(learned);
  const to = input.length;
  // Only from the second one on are numbers taken to vary.
  for (let i = 0; i < 2; i++) templates.learn(input, { from: 0, to, dataFrom: 5, dataTo: to - 2 }, reader);
  const words = createChunkWords();
  const chunk = bytes(next);
  useChunk(words, chunk);
  const end = templates.match(words, 0, chunk.length, reader);
  if (end === 0) return undefined;
  expect(end).toBe(chunk.length);
  return { deltas: reader.outputDeltas, textBytes: reader.outputTextBytes };
}

const LEARNED =
  'data: {"id":"c1","created":17,"model":"m","choices":[{"delta":{"content":"one"}}],"usage":null,"pad":"x"}\n\n';
const change = (from: string, to: string) => LEARNED.replace(from, to);

describe("line templates", () => {
  test.each([
    ["the same event", LEARNED, 3],
    ["other text", change("one", "four"), 4],
    ["text with escapes", change("one", '\\n\\"\\\\'), 3],
    ["text outside ASCII", change("one", "é"), 2],
    ["text in unicode escapes", change("one", "\\u0041\\u00e9\\u4E2D\\ud83d\\ude80"), 10],
    ["a string that nobody wants", change('"x"', '"long \\u0041 one"'), 3],
    ["a number that nobody wants", change("17", "-2.5e9"), 3],
    ["blanks before the last brace", change("}\n\n", "   }\n\n"), 3],
  ])("fit %s", (_, next, textBytes) => {
    expect(matchAfter(LEARNED, next)).toEqual({ deltas: 1, textBytes });
  });

  test("count no delta for empty text", () => {
    expect(matchAfter(LEARNED, change("one", ""))).toEqual({ deltas: 0, textBytes: 0 });
  });

  test.each([
    ["another model", change('"m"', '"n"')],
    ["another id", change("c1", "c2")],
    ["usage", change("null", "{}")],
    ["a member more", change('"pad"', '"error":1,"pad"')],
    ["another name", change('"content"', '"refusal"')],
    ["half a surrogate pair", change("one", "\\ud83d")],
    ["an escape that is none", change("one", "\\u00")],
    ["a line end after a backslash", change("one", "\\\n")],
    ["blanks anywhere else", change(',"pad"', ', "pad"')],
    ["a line end in a string", change("one", "o\nne")],
    ["a literal for a number", change("17", "null")],
    ["an event that is not whole", LEARNED.slice(0, -1)],
    ["another line end", change("\n\n", "\r\n")],
  ])("do not fit %s", (_, next) => {
    expect(matchAfter(LEARNED, next)).toBeUndefined();
  });

  test.each([
    "{}",
    '{"num_chips":4}',
    '{"prompt_tokens":null,"completion_tokens":1}',
    '{"prompt_tokens":1.5}',
    '{"prompt_tokens":1},"usage":{"prompt_tokens":2}',
  ])("are not made of events with usage %s", (usage) => {
    const learned = change("null", usage);
    expect(matchAfter(learned, learned)).toBeUndefined();
  });

  test("give the same result as a full parse, on random streams of each wire", () => {
    const random = createRandom(99);
    for (let run = 0; run < 1000; run++) {
      const wire = pick(["chat", "responses", "messages"] as const, random);
      const input = bytes(writeStream(wire, 25, random));
      const options = { path: PATHS[wire], sse: true };
      // No event is whole in a chunk of one byte, so nothing is ever matched there.
      const parsed = readWith(cutEvery(input, 1), options);
      expect(readWith([input], options)).toEqual(parsed);
      expect(readWith(cutAtRandom(input, random), options)).toEqual(parsed);
    }
  });
});

describe("line templates of events with usage in them", () => {
  const path = PATHS.chat;
  const event = (text: string, usage: string) =>
    `data: {"model":"m","choices":[{"delta":{"content":"${text}"}}],"usage":${usage}}\n\n`;
  /** What the tap says after three events of one shape and a fourth, each whole in its chunk. */
  const readAll = (usages: readonly string[]) => {
    const events = usages.map((usage, i) => bytes(event("x".repeat(i + 1), usage)));
    const whole = readWith(events, { path, sse: true });
    const parsed = readWith(
      events.flatMap((one) => cutEvery(one, 1)),
      { path, sse: true },
    );
    expect(whole).toEqual(parsed);
    return whole;
  };
  const LIKE = [1, 2, 3].map((n) => `{"prompt_tokens":9,"completion_tokens":${n},"other":"a"}`);

  test("take the last counts, and its text as it came", () => {
    const last = '{"prompt_tokens":9,"completion_tokens":123456789012345,"other":"b \\u00e9 \u00e9"}'.replace(
      "b",
      "b".repeat(600),
    );
    expect(readAll([...LIKE, last])).toMatchObject({
      usage: { inputTokens: 9, outputTokens: 123_456_789_012_345 },
      usageText: last,
      outputDeltas: 4,
      outputTextBytes: 10,
      textSinceUsage: false,
      parseErrors: 0,
    });
  });

  test("say that text came after the usage", () => {
    expect(readAll([...LIKE, "null"]).textSinceUsage).toBe(true);
  });

  test.each(["1.5", "-1", "01", "1e3", "99999999999999999", "null", '"1"', "true", "[1]", "", " 1"])(
    "leave the count %j to the parser",
    (count) => {
      readAll([...LIKE, `{"prompt_tokens":9,"completion_tokens":${count},"other":"b"}`]);
    },
  );

  test("forget what the usage of another shape said", () => {
    const long = '{"prompt_tokens":1,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":1}}';
    const short = '{"completion_tokens":8}';
    expect(readAll([long, long, short, short, long, short]).usage).toEqual({ outputTokens: 8 });
  });
});

describe("compileTemplate", () => {
  test("keeps bytes of its own when the chunk is a Node Buffer, whose slices are views", () => {
    const text = 'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n';
    const pool = Buffer.from(`before ${text} after`);
    const chunk = pool.subarray(7, 7 + text.length);
    const extent = { from: 0, to: chunk.length, dataFrom: 5, dataTo: chunk.length - 2 };
    const template = compileTemplate(CHAT_WIRE.sse, chunk, extent, false);
    pool.fill(0);
    expect(new TextDecoder().decode(template?.view)).toBe(text);
  });
});
