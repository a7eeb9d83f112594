import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatU64, isU64, parseU64, readU64, writeU64 } from "../../../src/keys/u64.ts";

const MAX = 2n ** 64n - 1n;
/** Every magnitude alike, and the edges of both words and of the decimal split. */
const u64 = fc.oneof(
  fc.bigInt(0n, MAX),
  fc.integer({ min: 0, max: 63 }).chain((bits) => fc.bigInt(0n, 2n ** BigInt(bits))),
  fc.constantFrom(
    0n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n,
    10n ** 19n,
    MAX,
  ),
);

describe("u64 text", () => {
  it("is exact for every u64, both ways", () => {
    const words = new Uint32Array(2);
    const bytes = new Uint8Array(10);
    fc.assert(
      fc.property(u64, (id) => {
        const text = String(id);
        expect(parseU64(text, words)).toBe(true);
        expect((BigInt(words[0]!) << 32n) | BigInt(words[1]!)).toBe(id);
        expect(formatU64(words[0]!, words[1]!)).toBe(text);
        expect(writeU64(text, bytes, 1)).toBe(true);
        expect(new DataView(bytes.buffer).getBigUint64(1, true)).toBe(id);
        expect(readU64(bytes, 1)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it("writes into the view's own part of its buffer", () => {
    const whole = new Uint8Array(24);
    writeU64("258", whole.subarray(8), 8);
    expect([...whole.subarray(16, 18)]).toEqual([2, 1]);
  });

  it.each([
    "",
    "-1",
    "+1",
    "01",
    "00",
    " 1",
    "1 ",
    "1\n",
    "1.0",
    "1e3",
    "0x1",
    "1n",
    "١",
    "18446744073709551616",
    "18446744073709551620",
    "99999999999999999999",
    "100000000000000000000",
    "1_000",
  ])("refuses %j", (text) => {
    expect(isU64(text)).toBe(false);
    expect(writeU64(text, new Uint8Array(8), 0)).toBe(false);
  });

  it("refuses every text that BigInt would spell otherwise", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 22 }), (text) => {
        const canonical = text !== "" && String(BigInt(text)) === text && BigInt(text) <= MAX;
        expect(isU64(text)).toBe(canonical);
      }),
      { numRuns: 1000 },
    );
  });
});
