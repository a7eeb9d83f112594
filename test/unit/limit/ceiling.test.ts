import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAggregateCeiling, createCeilings } from "../../../src/limit/ceiling.ts";

const seed = [0x12345678, 0x9abcdef0] as const;
const countAllowed = (times: number, allow: (index: number) => boolean): number =>
  Array.from({ length: times }, (_, index) => allow(index)).filter(Boolean).length;

describe("createCeilings", () => {
  it.each([1, 3, 7, 100, 999, 10_000])(
    "allows a second's worth at once and not one more, at %i a second",
    (rps) => {
      for (const start of [0, 0.1, 1e9 + 1 / 3]) {
        const ceilings = createCeilings({ rps, seed });
        expect(countAllowed(rps + 5, () => ceilings.allow("bai_key", start))).toBe(rps);
      }
    },
  );

  it("gives back one request an interval, up to the burst", () => {
    const ceilings = createCeilings({ rps: 10, seed });
    countAllowed(10, () => ceilings.allow("key", 5000));
    expect(ceilings.allow("key", 5049)).toBe(false);
    expect(ceilings.allow("key", 5100)).toBe(true);
    expect(ceilings.allow("key", 5100)).toBe(false);
    expect(countAllowed(20, () => ceilings.allow("key", 60_000))).toBe(10);
  });

  it("holds any pattern of arrivals to the burst and the rate", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(400), { maxLength: 200 }), (rps, gaps) => {
        const ceilings = createCeilings({ rps, seed });
        let now = 0;
        const allowed: number[] = [];
        for (const gap of gaps) {
          now += gap;
          if (ceilings.allow("key", now)) allowed.push(now);
        }
        for (const [index, from] of allowed.entries()) {
          const within = allowed.slice(index).filter((time) => time <= from + 2000).length;
          expect(within).toBeLessThanOrEqual(3 * rps);
        }
      }),
    );
  });

  it("never refuses what comes evenly at the rate, or slower", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 1e10, noNaN: true }),
        (rps, start) => {
          const ceilings = createCeilings({ rps, seed });
          expect(countAllowed(500, (index) => ceilings.allow("key", start + (index * 1000) / rps))).toBe(500);
        },
      ),
    );
  });

  it("does not charge refused requests", () => {
    const ceilings = createCeilings({ rps: 2, seed });
    countAllowed(1000, () => ceilings.allow("key", 0));
    expect(ceilings.allow("key", 500)).toBe(true);
  });

  it("keeps credentials apart", () => {
    const ceilings = createCeilings({ rps: 1, seed });
    const alike = [
      "",
      "a",
      "b",
      "ab",
      "ba",
      "aa",
      "a\0",
      "\0a",
      "\u0161",
      "a".repeat(65_536),
      "a".repeat(65_537),
    ];
    for (const credential of alike) expect(ceilings.allow(credential, 0), credential.slice(0, 4)).toBe(true);
    for (const credential of alike) expect(ceilings.allow(credential, 0), credential.slice(0, 4)).toBe(false);
  });

  it("refuses none under its ceiling while 100,000 others are active", () => {
    const ceilings = createCeilings({ rps: 1, seed });
    for (let i = 0; i < 100_000; i++) ceilings.allow(`bai_v2.1.other-${i}`, 0);
    expect(countAllowed(20_000, (index) => ceilings.allow(`bai_v2.1.good-${index}`, 1))).toBe(20_000);
  });

  it("still holds a runaway credential while new ones flood the table many times over", () => {
    const ceilings = createCeilings({ rps: 10, seed, slots: 1024 });
    let allowed = 0;
    for (let now = 0; now < 1000; now++) {
      for (let i = 0; i < 20; i++) ceilings.allow(`junk-${now}-${i}`, now);
      for (let i = 0; i < 5; i++) if (ceilings.allow("runaway", now)) allowed++;
    }
    expect(allowed).toBeLessThanOrEqual(20);
  });

  it("draws a seed of its own when none is given", () => {
    const ceilings = createCeilings({ rps: 1 });
    expect([ceilings.allow("key", 0), ceilings.allow("key", 0)]).toEqual([true, false]);
  });

  it("is off at 0", () => {
    const ceilings = createCeilings({ rps: 0, seed });
    expect(countAllowed(10_000, () => ceilings.allow("key", 0))).toBe(10_000);
  });
});

describe("createAggregateCeiling", () => {
  it.each([1, 3, 1000])("allows a second's worth at once, then one an interval, at %i a second", (rps) => {
    const ceiling = createAggregateCeiling({ rps });
    expect(countAllowed(rps + 5, () => ceiling.allow(77))).toBe(rps);
    expect(countAllowed(3, () => ceiling.allow(77 + 1000 / rps))).toBe(1);
  });

  it("is off at 0", () => {
    const ceiling = createAggregateCeiling({ rps: 0 });
    expect(countAllowed(10_000, () => ceiling.allow(0))).toBe(10_000);
  });
});
