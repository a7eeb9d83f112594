import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRetryAfter, retryDelayMs } from "../../../src/agent/retry.ts";

const headers = (values: Record<string, string>) => (name: string) => values[name] ?? null;

describe("the backoff", () => {
  it("doubles from 250 ms, takes off up to half at random, and never passes 30 s", () => {
    expect([1, 2, 3].map((attempt) => retryDelayMs(attempt, undefined, () => 0))).toEqual([250, 500, 1000]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const full = Math.min(30_000, 250 * 2 ** (attempt - 1));
          const delay = retryDelayMs(attempt, undefined, () => random);
          expect(delay).toBeGreaterThanOrEqual(Math.floor(full / 2));
          expect(delay).toBeLessThanOrEqual(full);
        },
      ),
    );
  });

  it("does as the server asks, up to 30 s", () => {
    expect(retryDelayMs(1, 0, () => 0)).toBe(0);
    expect(retryDelayMs(1, 4_000, () => 0)).toBe(4_000);
    expect(retryDelayMs(1, 3_600_000, () => 0)).toBe(30_000);
  });
});

describe("retry-after", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    [{ "retry-after": "2" }, 2_000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after-ms": "150", "retry-after": "9" }, 150],
    [{ "retry-after": "Thu, 01 Jan 2026 00:00:05 GMT" }, 5_000],
    [{ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{}, undefined],
  ])("%o is %s ms", (values, ms) => {
    expect(parseRetryAfter(headers(values), now)).toBe(ms);
  });
});
