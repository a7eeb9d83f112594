import { describe, expect, test } from "vitest";
import { createUsageFilter } from "../../../src/scan/usage-filter.ts";
import { createUsageTap, type UsageTap } from "../../../src/scan/usage-tap.ts";
import { wireOf } from "../../../src/scan/wires.ts";
import { cutAt, cutEvery, fixtures } from "./fixtures.ts";
import { createRandom, cutAtRandom } from "./wild-json.ts";
import { isAnswer, splitEvents, writeStream } from "./wild-stream.ts";

const CHAT_WIRE = wireOf("/v1/chat/completions");

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString("utf8");
const newTap = (sse: boolean | undefined = true) => createUsageTap({ wire: CHAT_WIRE, sse, status: 200 });

function filterAll(chunks: readonly Uint8Array[], tap: UsageTap = newTap()): string {
  const filter = createUsageFilter(tap);
  const parts = chunks.flatMap((chunk) => [...filter.push(chunk)]);
  return text([...parts, ...filter.end()]);
}

function expectedOf(stream: string): string {
  let shown = "";
  let at = 0;
  for (const event of splitEvents(stream)) {
    if (!isAnswer(event)) continue;
    shown += stream.slice(at, event.from);
    at = event.to;
  }
  return shown + stream.slice(at);
}

const DELTA = '{"choices":[{"delta":{"content":"hi"}}],"usage":null}';
const ANSWER = '{"choices":[],"usage":{"prompt_tokens":1}}';

describe("usage filter", () => {
  test.each([
    [
      "the answer",
      `data: ${DELTA}\n\ndata: ${ANSWER}\n\ndata: [DONE]\n\n`,
      `data: ${DELTA}\n\ndata: [DONE]\n\n`,
    ],
    [
      "with CRLF",
      `data: ${DELTA}\r\n\r\ndata: ${ANSWER}\r\n\r\ndata: [DONE]\r\n\r\n`,
      `data: ${DELTA}\r\n\r\ndata: [DONE]\r\n\r\n`,
    ],
    [
      "with CR",
      `data: ${DELTA}\r\rdata: ${ANSWER}\r\rdata: [DONE]\r\r`,
      `data: ${DELTA}\r\rdata: [DONE]\r\r`,
    ],
    [
      "with its other fields",
      `id: 1\nevent: x\ndata: ${ANSWER}\nretry: 5\n\ndata: [DONE]\n\n`,
      "data: [DONE]\n\n",
    ],
    ["in several data lines", 'data: {"choices": [ ],\ndata: "usage":\ndata: {"a":1} }\n\nx', "x"],
    ["in any order, with blanks and escapes", 'data:{"us\\u0061ge":{},"id":"x" , "choices" : [\t] }\n\n', ""],
    ["as the last event without a blank line", `data: ${DELTA}\n\ndata: ${ANSWER}`, `data: ${DELTA}\n\n`],
    ["and not a comment before it", `: hi\ndata: ${ANSWER}\n\n: ho\n\n`, ": hi\n: ho\n\n"],
    ["after a byte order mark", `\ufeffdata: ${ANSWER}\n\ndata: [DONE]\n\n`, "\ufeffdata: [DONE]\n\n"],
    ["twice", `data: ${ANSWER}\n\ndata: ${ANSWER}\n\n`, ""],
  ])("hides %s at every split", (_, stream, expected) => {
    const input = bytes(stream);
    for (const sse of [true, undefined]) {
      for (let i = 0; i <= input.length; i++)
        expect(filterAll(cutAt(input, i), newTap(sse)), `cut at ${i}`).toBe(expected);
      for (const size of [1, 2, 3]) expect(filterAll(cutEvery(input, size), newTap(sse))).toBe(expected);
    }
  });

  test.each([
    ["usage that is null", 'data: {"choices":[],"usage":null}\n\n'],
    ["usage on a chunk with choices", 'data: {"choices":[{}],"usage":{"a":1}}\n\n'],
    ["no choices", 'data: {"usage":{"a":1}}\n\n'],
    ["choices that are null", 'data: {"choices":null,"usage":{"a":1}}\n\n'],
    ["an array of a scalar", 'data: {"choices":[0],"usage":{"a":1}}\n\n'],
    ["usage further in", 'data: {"choices":[],"x":{"usage":{"a":1}},"x_groq":{"usage":{}}}\n\n'],
    [
      "members that come twice",
      'data: {"usage":1,"usage":{},"choices":[]}\n\ndata: {"choices":[1],"choices":[],"usage":{}}\n\n',
    ],
    ["an event that is cut", 'data: {"choices":[],"usage":{"a":1}'],
    ["an event that is no JSON", "data: [DONE]\n\ndata: hello\n\ndata\n\nevent: x\n\n"],
    ["a JSON document", '{"choices":[],"usage":{"a":1}}'],
  ])("shows %s, byte for byte at every split", (_, stream) => {
    const input = bytes(stream);
    for (const sse of [true, undefined]) {
      for (let i = 0; i <= input.length; i++) expect(filterAll(cutAt(input, i), newTap(sse))).toBe(stream);
    }
  });

  test("shows the rest of every shared stream byte for byte", () => {
    for (const { name, body, sse } of fixtures.filter(({ path }) => path.endsWith("/chat/completions"))) {
      const expected = sse ? expectedOf(text([body])) : text([body]);
      for (const size of [1, 64, 1000, body.length]) {
        expect(filterAll(cutEvery(body, size), newTap(sse)), name).toBe(expected);
      }
    }
  });

  test("agrees with a reading of the whole stream, on random streams and cuts", () => {
    const random = createRandom(7);
    for (let run = 0; run < 1500; run++) {
      const stream = writeStream("chat", 12, random);
      expect(filterAll(cutAtRandom(bytes(stream), random)), stream).toBe(expectedOf(stream));
    }
  });

  test("lets an event go as soon as its choices are seen, and hands chunks on as they are", () => {
    const filter = createUsageFilter(newTap());
    const chunk = bytes('data: {"id":"x","choices":[{');
    expect(filter.push(chunk)).toEqual([chunk]);
    expect(filter.push(chunk)[0]).toBe(chunk);
  });

  test("hides an event of 4 KiB, and passes a longer one, at every cut", () => {
    const start = `data: {"id":"`;
    for (const [size, hidden] of [
      [4096, true],
      [4097, false],
    ] as const) {
      const end = '","choices":[],"usage":{}}\n\n';
      const event = start + "x".repeat(size - start.length - end.length) + end;
      for (const cut of [0, 100, size - 3, size - 2, size - 1, size]) {
        const filter = createUsageFilter(newTap());
        const parts = [event.slice(0, cut), `${event.slice(cut)}data: x\n\n`];
        const shown = parts.flatMap((part) => [...filter.push(bytes(part))]);
        expect(text(shown)).toBe(hidden ? "data: x\n\n" : `${event}data: x\n\n`);
      }
    }
  });

  test("passes everything once the tap has thrown, and says so once", () => {
    let faults = 0;
    const inner = newTap();
    let pushes = 0;
    const broken: UsageTap = {
      ...inner,
      events: { answers: [], undecidedFrom: 0 },
      push: () => {
        pushes++;
        if (pushes === 2) throw new Error("broken");
      },
    };
    const filter = createUsageFilter(broken, () => faults++);
    expect(filter.push(bytes("data: a"))).toEqual([]);
    expect(text(filter.push(bytes("b\n\n")))).toBe("data: ab\n\n");
    expect(text(filter.push(bytes(`data: ${ANSWER}\n\n`)))).toBe(`data: ${ANSWER}\n\n`);
    expect(filter.end()).toEqual([]);
    expect(faults).toBe(1);
  });
});
