import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseReader, type SseEvent } from "../../../src/agent/sse-reader.ts";

const encoder = new TextEncoder();

function readAt(bytes: Uint8Array, size: number): SseEvent[] {
  const reader = createSseReader();
  const events: SseEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) events.push(...reader.push(bytes.subarray(at, at + size)));
  return events;
}

function read(text: string): SseEvent[] {
  return readAt(encoder.encode(text), text.length * 3 + 1);
}

describe("the event reader", () => {
  it("joins the data lines of an event and strips one space after the colon", () => {
    expect(read("event: a\ndata:  x\ndata:y\n\n")).toEqual([{ event: "a", data: " x\ny" }]);
  });

  it("takes LF, CRLF and CR as line ends", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = ["data: 1", "", "data: 2", "", ""].join(end);
      expect(read(text).map((event) => event.data)).toEqual(["1", "2"]);
    }
  });

  it("leaves out comments, unknown fields, empty events and a byte order mark", () => {
    expect(read("\uFEFF: hello\nid: 3\nretry: 9\n\nevent: lost\n\ndata\n\n")).toEqual([
      { event: "", data: "" },
    ]);
  });

  it("does not give a last event without its blank line", () => {
    expect(read("data: 1\n\ndata: 2\n")).toEqual([{ event: "", data: "1" }]);
  });

  it("reads the same events whatever ends the lines and however the bytes are cut", () => {
    const line = fc.constantFrom("data: ä🙂", "data:", "event: x", ": c", "", "data: 2", "id");
    fc.assert(
      fc.property(
        fc.array(line),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.integer({ min: 1, max: 9 }),
        (lines, end, size) => {
          const bytes = encoder.encode(lines.join(end) + end);
          expect(readAt(bytes, size)).toEqual(read(`${lines.join("\n")}\n`));
        },
      ),
    );
  });

  it("refuses an event that outgrows the ceiling, in one line or in many", () => {
    const reader = () => createSseReader(100);
    expect(() => reader().push(encoder.encode(`data: ${"x".repeat(200)}`))).toThrow(RangeError);
    expect(() => reader().push(encoder.encode("data: xxxxxxxxxxxxxxxx\n".repeat(20)))).toThrow(RangeError);
  });
});
