import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RequestFacts } from "../../../src/scan/request-scanner.ts";
import { cutAt, cutEvery, scan } from "./fixtures.ts";
import { createRandom, writeWild } from "./wild-json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** More than is read byte by byte before a subtree is passed by SIMD. */
const PAD = "p".repeat(1100);

/** What is left behind a subtree decides how it is read: in chunks of one byte nothing ever is. */
function agree(body: Uint8Array): RequestFacts {
  const facts = scan([body]);
  const read = scan(cutEvery(body, 1));
  for (const fact of ["textBytes", "model", "stream", "done", "rootEnd"] as const)
    expect(facts[fact], fact).toBe(read[fact]);
  return facts;
}

describe("a long subtree", () => {
  test.each<[string, string, number]>([
    ["values and not names", '{"name":"four","o":{"name":["a","bc"]}}', 7],
    ["names that blanks follow", '{"name" : "four" , "n"\n:\t"a"\n}', 5],
    ["decoded bytes", '{"a":"123456\\n\\u00e9\\ud83d\\ude80é","b\\u00e9bbbbbb":["\\n\\u00e9"]}', 18],
    [
      "no data URIs",
      '{"a":"data:image/png;base64,AAAA","b":["data:","data:x","ok","d\\u0061ta:x","data"]}',
      6,
    ],
    [
      "no strings under data",
      '{"data":"AAAA","o":{"data" : "AAAA","x":"yes"},"p":[{"d\\u0061ta" : "AA"},{"data":{"k":"in"}}]}',
      5,
    ],
    [
      "strings of every length about a block's",
      `["${"a".repeat(15)}","${"b".repeat(16)}","${"c".repeat(17)}"]`,
      48,
    ],
    [
      "strings with an escape behind a block",
      `["${"a".repeat(15)}\\n","${"b".repeat(16)}\\n","\\\\","a\\""]`,
      36,
    ],
    ["nothing of numbers and literals", "[1,-2.5e9,[true,false,null],{}]", 0],
  ])("counts %s", (_, subtree, size) => {
    for (let shift = 0; shift <= 16; shift++) {
      const body = bytes(`{"x":[${" ".repeat(shift)}${subtree},"${PAD}"],"model":"m"}`);
      expect(agree(body)).toMatchObject({ textBytes: size + PAD.length + 1, model: "m", done: true });
      for (let i = 0; i < 160; i++)
        expect(scan(cutAt(body, i)).textBytes, `cut at ${i}`).toBe(size + PAD.length + 1);
    }
  });

  test("holds strings about as long as are passed within it, whatever stands at that length", () => {
    for (const odd of ["", "\\n", '\\"', "\\\\", "\\u20ac", "\\ud83d\\ude80"]) {
      for (let length = 2030; length <= 2080; length++) {
        const text = `${"a".repeat(length)}${odd}${"b".repeat(90)}`;
        const body = bytes(`{"x":[["${text}","after"],{"name":"${text}"}],"model":"m"}`);
        const size = bytes(JSON.parse(`"${text}"`) as string).length;
        expect(agree(body).textBytes).toBe(2 * size + "after".length + 1);
      }
    }
  });

  test("ends where it ends, and what follows is read", () => {
    for (const after of ["]", "}", ']],"model":"m"', '}],"stream":true}'])
      agree(bytes(`{"x":[[{"a":"b"}${after},"y":[1,"${PAD}"]}`));
    expect(agree(bytes(`{"x":[[[{"a":[]}]]],"model":"m","y":"${PAD}"}`)).model).toBe("m");
  });

  test("is read as its bytes are, of whatever pieces of JSON it is", () => {
    const piece = fc.constantFrom(
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      " ",
      "\n",
      "1",
      "é",
      "a",
      '"a"',
      '"a":',
      '"a":"b",',
      '"data"',
      '"data":',
      '"data:x"',
      '"data:x",',
      '"data":"x",',
      "\\u0061",
      '\\"',
      '"\\n",',
      '"aaaaaa\\n":',
      `"${"x".repeat(16)}",`,
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.constantFrom('"', ' "', "] "), (pieces, end) => {
        agree(bytes(`{"x":[{${pieces.join("")}${end}${PAD}"],"model":"m"}`));
      }),
      { numRuns: 3000 },
    );
  });

  test("may be longer than what SIMD sees of it at once", () => {
    const random = createRandom(5);
    const words = ["a", "data", "data:x", 'q"', "\n", "é", "x".repeat(40), "", "\u{1f680}", "y".repeat(3000)];
    const item = (i: number) => ({
      [words[i % 7]!]: words[(i * 3) % 10],
      n: i,
      data: i % 5 === 0 ? "AAAA" : [i],
    });
    const items = Array.from({ length: 1500 }, (_, i) => item(i));
    const expected = items.reduce((sum, one) => sum + textBytesOf(one), 0);
    for (let shift = 0; shift < 40; shift++) {
      const json = `{"x":${" ".repeat(shift * 7)}${writeWild(items, random, [" ", "\n"])},"model":"m"}`;
      expect(scan([bytes(json)])).toMatchObject({ textBytes: expected + 1, model: "m", done: true });
    }
  });
});

/** Of one level, as the row counts it. */
const textBytesOf = (item: Record<string, unknown>): number =>
  Object.entries(item).reduce((sum, [name, value]) => {
    const counts = typeof value === "string" && name !== "data" && !value.startsWith("data:");
    return counts ? sum + bytes(value).length : sum;
  }, 0);
