import { describe, expect, it } from "vitest";
import { createPauses, DEFAULT_BACKOFF } from "../../../adapters/server/backoff.ts";

describe("the pauses between connects", () => {
  it("double from 1 s to 30 s, and only an attempt that lived takes them back", () => {
    const pause = createPauses(DEFAULT_BACKOFF, () => 0);
    const failures = [0, 0, 4_999, 0, 0, 0, 0].map(pause);
    expect(failures).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect([5_000, 0].map(pause)).toEqual([1_000, 2_000]);
  });

  it("take up to a fifth off by chance", () => {
    const pause = createPauses(DEFAULT_BACKOFF, () => 0.999999);
    expect(Math.round(pause(0))).toBe(800);
  });
});
