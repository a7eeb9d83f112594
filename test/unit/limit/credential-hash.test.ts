import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCredentialHash } from "../../../src/limit/credential-hash.ts";

const hash = (text: string, seed: readonly [number, number]): string => {
  const out = new Int32Array(2);
  createCredentialHash(seed)(text, out);
  return out.join();
};

const rotl = (n: bigint, by: bigint): bigint => ((n << by) | (n >> (32n - by))) & 0xffff_ffffn;

/** HalfSipHash-1-3 with 64 bits of output, word for word after the reference (halfsiphash.c), over bytes. */
function reference(bytes: Uint8Array, seed: readonly [number, number]): string {
  const [k0, k1] = seed.map((word) => BigInt(word >>> 0)) as [bigint, bigint]; // two in, two out
  let [v0, v1, v2, v3] = [k0, k1 ^ 0xeen, 0x6c796765n ^ k0, 0x74656462n ^ k1];
  const add = (a: bigint, b: bigint): bigint => (a + b) & 0xffff_ffffn;
  const round = (): void => {
    v0 = add(v0, v1);
    v1 = rotl(v1, 5n);
    v1 ^= v0;
    v0 = rotl(v0, 16n);
    v2 = add(v2, v3);
    v3 = rotl(v3, 8n);
    v3 ^= v2;
    v0 = add(v0, v3);
    v3 = rotl(v3, 7n);
    v3 ^= v0;
    v2 = add(v2, v1);
    v1 = rotl(v1, 13n);
    v1 ^= v2;
    v2 = rotl(v2, 16n);
  };
  const padded = new Uint8Array((bytes.length & ~3) + 4);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length & 0xff;
  for (let at = 0; at < padded.length; at += 4) {
    const word = BigInt(new DataView(padded.buffer).getUint32(at, true));
    v3 ^= word;
    round();
    v0 ^= word;
  }
  v2 ^= 0xeen;
  round();
  round();
  round();
  const low = v1 ^ v3;
  v1 ^= 0xddn;
  round();
  round();
  round();
  return [low, v1 ^ v3].map((word) => Number(word) | 0).join();
}

describe("createCredentialHash", () => {
  it("is HalfSipHash-1-3 of the UTF-8 bytes", () => {
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), word, word, (text, first, second) => {
        expect(hash(text, [first, second])).toBe(reference(Buffer.from(text), [first, second]));
      }),
      { numRuns: 300 },
    );
  });

  it("takes nothing over from the text before", () => {
    const hashInto = createCredentialHash([1, 2]);
    const [first, second] = [new Int32Array(2), new Int32Array(2)];
    hashInto("bai_v1.1.a", first);
    for (const longer of ["bai_v1.1.abc", "x".repeat(200_000)]) hashInto(longer, second);
    hashInto("bai_v1.1.a", second);
    expect(second).toEqual(first);
  });

  it("depends on both words of the seed", () => {
    expect(new Set([hash("x", [0, 0]), hash("x", [1, 0]), hash("x", [0, 1])]).size).toBe(3);
  });

  it("spreads near-equal credentials evenly over the low bits", () => {
    const counts = new Uint32Array(256);
    const out = new Int32Array(2);
    const hashInto = createCredentialHash([1, 2]);
    for (let i = 0; i < 65_536; i++) {
      hashInto(`bai_v1.1.${i}`, out);
      counts[out[1]! & 255]!++;
    }
    // 256 expected in each, a standard deviation of 16.
    expect(Math.min(...counts)).toBeGreaterThan(256 - 6 * 16);
    expect(Math.max(...counts)).toBeLessThan(256 + 6 * 16);
  });
});
