import { describe, expect, test } from "vitest";
import { createChunkWords, useChunk } from "../../../src/scan/byte-search.ts";
import { type SseSink, SseSplitter } from "../../../src/scan/sse.ts";
import { cutAt, cutEvery } from "./fixtures.ts";
import { createRandom, cutAtRandom } from "./wild-json.ts";
import { splitEvents, writeStream } from "./wild-stream.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Data of each event that had any, without leading blanks; the last one even if its blank line is missing. */
function readData(chunks: readonly Uint8Array[]): string[] {
  const events: string[] = [];
  let data: number[] = [];
  const sink: SseSink = {
    data: ({ bytes: chunk }, from, to) => data.push(...chunk.subarray(from, to)),
    dataLineBreak: () => data.push(0x0a),
  };
  const splitter = new SseSplitter(sink);
  const finish = () => {
    if (splitter.dataLines > 0)
      events.push(new TextDecoder().decode(Uint8Array.from(data)).replace(/^ /gm, ""));
    data = [];
  };
  const words = createChunkWords();
  let offset = 0;
  for (const chunk of chunks) {
    useChunk(words, chunk);
    for (let i = 0; i < chunk.length; ) {
      i = splitter.push(words, i, chunk.length, offset);
      if (splitter.ended) finish();
    }
    offset += chunk.length;
  }
  if (!splitter.ended) finish();
  return events;
}

describe("SSE splitter", () => {
  test.each<[string, string, string[]]>([
    ["LF", "data: a\n\ndata: b\n\n", ["a", "b"]],
    ["CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]],
    ["CR", "data: a\r\rdata: b\r\r", ["a", "b"]],
    ["a mix of line ends", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", ["a", "b", "c"]],
    ["several data lines", "data: a\ndata:b\ndata\ndata:  c\n\n", ["a\nb\n\n c"]],
    ["no space after the colon", "data:a\n\n", ["a"]],
    [
      "comments and other fields",
      ": x\nevent: data\nid: 1\ndatax: n\ndat: n\n data: n\ndata: a\nretry: 3\n\n",
      ["a"],
    ],
    ["events without data", "event: x\n\n\n\n: c\n\ndata: a\n\n", ["a"]],
    ["a byte order mark", "\ufeffdata: a\n\n", ["a"]],
    ["no final blank line", "data: a\n\ndata: b\n", ["a", "b"]],
    ["no final line end", "data: a\n\ndata: b", ["a", "b"]],
    ["empty data", "data\n\ndata:\n\n", ["", ""]],
  ])("reads %s at every split", (_, stream, expected) => {
    const input = bytes(stream);
    for (let i = 0; i <= input.length; i++)
      expect(readData(cutAt(input, i)), `cut at ${i}`).toEqual(expected);
    for (const size of [1, 2, 3]) expect(readData(cutEvery(input, size))).toEqual(expected);
  });

  test("agrees with a reading of the whole stream, on random streams and cuts", () => {
    const random = createRandom(5);
    for (let run = 0; run < 1000; run++) {
      const stream = writeStream("chat", 8, random);
      const expected = splitEvents(stream).flatMap(({ data }) => (data ? [data] : []));
      // A stream cut within the name `data` may or may not be said to have an empty field more.
      const read = readData(cutAtRandom(bytes(stream), random)).filter((data) => data !== "");
      expect(read, stream).toEqual(expected);
    }
  });
});
