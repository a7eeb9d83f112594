import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createChunkWords, useChunk } from "../../../src/scan/byte-search.ts";
import { StringDecoder } from "../../../src/scan/json-string.ts";
import { StringPasser } from "../../../src/scan/string-passer.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** What a passer says of the string whose inside begins `input`: undefined where it leaves it to the decoder. */
function pass(input: Uint8Array): { end: number; size: number; plain: number } | undefined {
  const words = createChunkWords();
  useChunk(words, input);
  const passer = new StringPasser();
  const end = passer.pass(words, 0, input.length);
  return end < 0 ? undefined : { end, size: passer.size, plain: passer.plain };
}

/** The same by the decoder; undefined if the string does not end. */
function decode(input: Uint8Array): { end: number; size: number; broken: boolean } | undefined {
  const words = createChunkWords();
  useChunk(words, input);
  const decoder = new StringDecoder(256);
  decoder.begin(256);
  const end = decoder.push(words, 0, input.length);
  return decoder.closed ? { end: end - 1, size: decoder.size, broken: decoder.broken } : undefined;
}

describe("string passer", () => {
  test.each<[string, string, number, number]>([
    ["nothing", '"', 0, 0],
    ["ASCII", 'hello", "x"', 5, 5],
    ["UTF-8", 'caf\u00e9"', 5, 5],
    ["short escapes", 'a\\"b\\\\\\n"', 5, 1],
    ["unicode escapes of each length", '\\u0041\\u07ff\\u0800\\uD83D\\ude80"', 10, 0],
  ])("sizes %s", (_, input, size, plain) => {
    expect(pass(bytes(input))).toMatchObject({ size, plain });
  });

  test.each([
    ["a string that goes on", "hello"],
    ["an escape that is cut", "x\\"],
    ["a unicode escape that is cut", "x\\u00"],
    ["half a surrogate pair", 'x\\ud83d"'],
    ["the second half alone", 'x\\ude80"'],
    ["two first halves", 'x\\ud83d\\ud83d"'],
    ["a digit that is none", 'x\\u00g0"'],
  ])("leaves %s to the decoder", (_, input) => {
    expect(pass(bytes(input))).toBeUndefined();
  });

  test("says what the decoder says of any string that it takes", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom(
        '"',
        "\\",
        "\\n",
        "\\u",
        "\\u00e9",
        "\\u0",
        "\\ud83d",
        "\\ude80",
        "\\uD83D\\uDE80",
        "\\\u00e9",
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const input = bytes(`${pieces.join("")}"`);
        const passed = pass(input);
        const decoded = decode(input);
        if (passed === undefined) return;
        expect(decoded).toEqual({ end: passed.end, size: passed.size, broken: false });
      }),
      { numRuns: 1000 },
    );
  });
});
