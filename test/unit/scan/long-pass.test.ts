import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import wabt from "wabt";
import { createChunkWords, useChunk } from "../../../src/scan/byte-search.ts";
import { BACKSLASH, QUOTE } from "../../../src/scan/json-bytes.ts";
import type { LongPass } from "../../../src/scan/long-strings/long-pass.ts";
import { openSimdPass } from "../../../src/scan/long-strings/simd-pass.ts";
import { createWordPass } from "../../../src/scan/long-strings/word-pass.ts";

const SOURCE = new URL("../../../src/scan/long-strings/simd-pass.wat", import.meta.url);
/** Of the SIMD one. */
const WINDOW_BYTES = 65_536;
const bytes = (text: string) => new TextEncoder().encode(text);
const decodedSize = (inside: string) => bytes(JSON.parse(`"${inside}"`) as string).length;

test("the module is what its source assembles to (npx vitest run --update writes it)", async () => {
  const { parseWat } = await wabt();
  const { buffer } = parseWat("simd-pass.wat", readFileSync(SOURCE, "utf8"), { simd: true }).toBinary({});
  const base64 = Buffer.from(buffer).toString("base64");
  await expect(
    `/** Assembled from simd-pass.wat, in base64. */\nexport const SIMD_MODULE =\n  "${base64}";\n`,
  ).toMatchFileSnapshot("../../../src/scan/long-strings/simd-module.ts");
});

describe.each<[string, LongPass]>([
  ["by SIMD", openSimdPass()!],
  ["by words", createWordPass()],
])("a long string passed %s", (_, long) => {
  /** Where it stopped, and the decoded size of what it passed. */
  function pass(input: Uint8Array, from = 0, to = input.length): { end: number; size: number } {
    const words = createChunkWords();
    useChunk(words, input);
    const end = long.pass(words, from, to);
    return { end, size: end - from - long.shrunk };
  }

  test.each([0, 1, 15, 16, 17, 31, 32, 33, 1000])("ends at the quote after %d bytes", (length) => {
    expect(pass(bytes(`${"x".repeat(length)}"${"y".repeat(40)}"`))).toEqual({ end: length, size: length });
  });

  test("is as long as JSON.parse says", () => {
    const piece = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => JSON.stringify(text).slice(1, -1)),
      fc.constantFrom(
        "\\n",
        '\\"',
        "\\\\",
        "\\u0041",
        "\\u00e9",
        "\\u07ff",
        "\\u0800",
        "\\uFFFF",
        "\\uD83D\\uDE80",
      ),
      fc.nat({ max: 40_000 }).map((length) => "x".repeat(length)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat({ max: 40 }), (pieces, from) => {
        const inside = pieces.join("");
        const input = bytes(`${"-".repeat(from)}${inside}"`);
        expect(pass(input, from)).toEqual({ end: input.length - 1, size: decodedSize(inside) });
      }),
    );
  });

  test("may have an escape where a window ends, at each place", () => {
    for (const escaped of ["\\n", "\\u20ac", "\\uD83D\\uDE80"]) {
      for (let before = WINDOW_BYTES - escaped.length - 1; before <= WINDOW_BYTES + 1; before++) {
        const input = bytes(`${"x".repeat(before)}${escaped}${"x".repeat(20)}"`);
        expect(pass(input)).toEqual({ end: input.length - 1, size: before + decodedSize(escaped) + 20 });
      }
    }
  });

  test.each([
    "\\",
    "\\u",
    "\\u004",
    "\\u00g0",
    "\\ud83d",
    "\\ud83dx",
    "\\ud83d\\n",
    "\\ude80",
    "\\ud83d\\ud83d",
    "\\é",
  ])("is left to others before %j", (escaped) => {
    for (const before of [0, 3, 20, WINDOW_BYTES - 3]) {
      const input = bytes("x".repeat(before) + escaped);
      const { end, size } = pass(input);
      expect({ end, size, byte: input[end] }).toEqual({ end: before, size: before, byte: BACKSLASH });
    }
  });

  test("takes the digits that are hexadecimal, and no other byte, at each place of an escape", () => {
    const isDigit = (byte: number) => /[0-9a-f]/i.test(String.fromCharCode(byte));
    for (const [escaped, digits] of [
      ["\\u20ac", [2, 3, 4, 5]],
      ["\\ud83d\\ude80", [4, 5, 10, 11]],
    ] as const) {
      for (const at of digits) {
        for (let byte = 0; byte < 256; byte++) {
          const input = bytes(`${escaped}"`);
          input[at] = byte;
          expect(pass(input).end, `${byte} at ${at} of ${escaped}`).toBe(isDigit(byte) ? escaped.length : 0);
        }
      }
    }
  });

  test("tells each kind of UTF-16 unit, in either case", () => {
    for (const unit of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xcfff, 0xd7ff, 0xe000, 0xe7ff, 0xfdff, 0xffff]) {
      const hex = unit.toString(16).padStart(4, "0");
      for (const inside of [`\\u${hex}`, `\\u${hex.toUpperCase()}`])
        expect(pass(bytes(`${inside}"`))).toEqual({ end: 6, size: bytes(String.fromCharCode(unit)).length });
    }
    for (const high of ["d800", "D9ff", "dAFF", "dbff"]) {
      for (const low of ["dc00", "Ddff", "dE00", "dfff"])
        expect(pass(bytes(`\\u${high}\\u${low}"`))).toEqual({ end: 12, size: 4 });
      for (const other of ["0c00", "d7ff", "dbff", "e000", "fc00", "cdff"])
        expect(pass(bytes(`\\u${high}\\u${other}"`)).end).toBe(0);
    }
    for (const low of ["dc00", "DFFF"]) expect(pass(bytes(`\\u${low}\\u${low}"`)).end).toBe(0);
  });

  test("may be nothing but escapes, up to its end", () => {
    for (const escaped of ["\\n", "\\u20ac", "\\uD83D\\uDE80"]) {
      for (let count = 0; count < 40; count++) {
        const inside = escaped.repeat(count);
        const input = bytes(`${inside}"`);
        expect(pass(input)).toEqual({ end: inside.length, size: decodedSize(inside) });
        expect(pass(input, 0, inside.length)).toEqual({ end: inside.length, size: decodedSize(inside) });
      }
    }
  });

  test("takes nothing from outside its range, nor from the chunk before", () => {
    pass(new Uint8Array(WINDOW_BYTES).fill(QUOTE));
    expect(pass(bytes("x".repeat(30)))).toEqual({ end: 30, size: 30 });
    expect(pass(bytes('xxxx"'), 0, 4)).toEqual({ end: 4, size: 4 });
    expect(pass(bytes('x\\"'), 0, 2)).toEqual({ end: 1, size: 1 });
  });

  test("is left to others before an escape that its range cuts, whatever follows", () => {
    for (const escaped of ["\\n", "\\u20ac", "\\uD83D\\uDE80"]) {
      for (let cut = 1; cut < escaped.length; cut++)
        expect(pass(bytes(`${escaped}"`), 0, cut)).toEqual({ end: 0, size: 0 });
    }
  });

  test("may be passed by turns with those of other chunks", () => {
    const [first, second] = [createChunkWords(), createChunkWords()];
    useChunk(first, bytes(`aaaa"${"a".repeat(60)}"`));
    useChunk(second, bytes(`${"b".repeat(20)}"`));
    expect([long.pass(first, 0, 66), long.pass(second, 0, 21), long.pass(first, 5, 66)]).toEqual([4, 20, 65]);
  });

  test("may begin where the window of the one before it does not reach", () => {
    const words = createChunkWords(bytes(`aaaa"${" ".repeat(WINDOW_BYTES)}"bb"`));
    expect(long.pass(words, 0, words.bytes.length)).toBe(4);
    expect(long.pass(words, WINDOW_BYTES + 6, words.bytes.length)).toBe(WINDOW_BYTES + 8);
    expect(long.pass(words, 0, words.bytes.length)).toBe(4);
  });

  test("is not taken for that of a chunk which stood in the same place", () => {
    const words = createChunkWords();
    useChunk(words, bytes('aaaa"'));
    long.pass(words, 0, 5);
    useChunk(words, bytes('bb"bb'));
    expect(long.pass(words, 0, 5)).toBe(2);
  });
});
