import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DenySet } from "../../../src/deny/deny-set.ts";
import { type Deny, formatDenyKey, parseDenyKey } from "../../../src/deny/entry.ts";
import { formatU64 } from "../../../src/keys/u64.ts";

const SPEND: Deny = { reason: "spend", expiresAt: 0 };
const id = (key: string) => parseDenyKey(key)!;

describe("DenySet", () => {
  it("tells tenants from keys of the same id, and ids that differ in one half", () => {
    const set = new DenySet(() => 0);
    set.set(id("blackhole.1"), SPEND);
    set.set(id("blackhole.key.4294967297"), { reason: "fraud", expiresAt: 0 });
    expect(set.lookup("tenant", "1")).toBe("spend");
    expect(set.lookup("key", "1")).toBeUndefined();
    expect(set.lookup("key", "4294967297")).toBe("fraud");
    expect(set.lookup("tenant", "4294967297")).toBeUndefined();
    expect(set.lookup("key", "4294967296")).toBeUndefined();
  });

  it("holds the least and the greatest id, and answers nothing for text that is no id", () => {
    const set = new DenySet(() => 0);
    set.set(id("blackhole.0"), SPEND);
    set.set(id("blackhole.18446744073709551615"), { reason: "unknown", expiresAt: 0 });
    expect(set.lookup("tenant", "0")).toBe("spend");
    expect(set.lookup("tenant", "18446744073709551615")).toBe("unknown");
    for (const text of ["", "00", "-0", "18446744073709551616", "x"])
      expect(set.lookup("tenant", text)).toBeUndefined();
  });

  it("stops denying at the second of expires_at, and denies again when the clock steps back", () => {
    let now = 999_999;
    const set = new DenySet(() => now);
    set.set(id("blackhole.7"), { reason: "spend", expiresAt: 1000 });
    expect(set.lookup("tenant", "7")).toBe("spend");
    now = 1_000_000;
    expect(set.lookup("tenant", "7")).toBeUndefined();
    now = 999_000;
    expect(set.lookup("tenant", "7")).toBe("spend");
  });

  it("behaves as a map does, through growth, removal, marks and sweeps", () => {
    // Few ids, so that they meet, and enough of them for several growths and long clusters.
    const key = fc
      .integer({ min: 0, max: 400 })
      .map((n) => (n % 3 === 0 ? `blackhole.key.${n}` : `blackhole.${n * 4294967295}`));
    const deny = fc.record(
      { reason: fc.constantFrom("spend", "fraud", "unknown"), expiresAt: fc.constantFrom(0, 5, 4294967295) },
      { noNullPrototype: true },
    );
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ op: fc.constant("set" as const), key, deny }) },
      { weight: 4, arbitrary: fc.record({ op: fc.constant("delete" as const), key }) },
      {
        weight: 1,
        arbitrary: fc.record({ op: fc.constant("sweep" as const), keep: fc.array(key, { maxLength: 200 }) }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: "max" }), (steps) => {
        const set = new DenySet(() => 0);
        const model = new Map<string, Deny>();
        for (const at of steps) {
          if (at.op === "set") {
            const held = model.get(at.key);
            const isSame = held?.reason === at.deny.reason && held.expiresAt === at.deny.expiresAt;
            expect(set.set(id(at.key), at.deny)).toBe(!isSame);
            model.set(at.key, at.deny);
          } else if (at.op === "delete") {
            expect(set.delete(id(at.key))).toBe(model.delete(at.key));
          } else {
            set.clearMarks();
            for (const kept of at.keep) set.mark(id(kept));
            const removed: string[] = [];
            set.sweepUnmarked((gone) => removed.push(formatDenyKey(gone)));
            const expected = [...model.keys()].filter((held) => !at.keep.includes(held));
            expect(removed.sort()).toEqual(expected.sort());
            for (const gone of expected) model.delete(gone);
          }
          expect(set.size).toBe(model.size);
        }
        expect(contents(set)).toEqual(Object.fromEntries(model));
        for (const [held, value] of model) expect(set.get(id(held))).toEqual(value);
      }),
      { numRuns: 60 },
    );
  });

  it("copies so that later changes do not reach the copy, and adopts", () => {
    const set = new DenySet(() => 0);
    set.set(id("blackhole.1"), SPEND);
    const copy = set.clone();
    set.delete(id("blackhole.1"));
    expect(copy.lookup("tenant", "1")).toBe("spend");
    set.adopt(copy);
    expect([set.size, set.lookup("tenant", "1")]).toEqual([1, "spend"]);
  });

  it("holds a million entries in at most 64 MB, also while it grows", () => {
    const set = new DenySet(() => 0);
    let peak = 0;
    for (let n = 0; n < 1_000_000; n++) {
      const before = set.byteLength;
      // Multiples of 2^32: every low word is the same.
      set.set({ kind: n % 2 === 0 ? "tenant" : "key", high: n, low: 5 }, SPEND);
      peak = Math.max(peak, set.byteLength === before ? before : before + set.byteLength);
    }
    expect(set.size).toBe(1_000_000);
    expect(peak).toBeLessThanOrEqual(64_000_000);
    for (let n = 0; n < 1_000_000; n += 997) {
      expect(set.lookup(n % 2 === 0 ? "tenant" : "key", formatU64(n, 5))).toBe("spend");
    }
  });
});

function contents(set: DenySet): Record<string, Deny> {
  return Object.fromEntries([...set.entries()].map(([held, deny]) => [formatDenyKey(held), deny]));
}
