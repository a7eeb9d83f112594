import { describe, expect, it } from "vitest";
import { createRequestIds } from "../../../src/gateway/request-id.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("createRequestIds", () => {
  it("makes UUIDs of version 7 that begin with their time", () => {
    const nextId = createRequestIds();
    expect(nextId(0x019a_0f3c_5b1e)).toMatch(UUID_V7);
    expect(nextId(0x019a_0f3c_5b1e)).toMatch(/^019a0f3c-5b1e-7/);
    expect(nextId(0x019a_0f3c_5b1f)).toMatch(/^019a0f3c-5b1f-7/);
    expect(nextId(5)).toMatch(/^00000000-0005-7/);
  });

  it("never makes the same one twice, within a millisecond and past a draw of random numbers", () => {
    const nextId = createRequestIds();
    const ids = Array.from({ length: 10_000 }, () => nextId(1));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("varies every digit that is not the time's or the format's", () => {
    const nextId = createRequestIds();
    const ids = Array.from({ length: 2_000 }, () => nextId(1));
    const digits = Array.from({ length: 36 }, (_, at) => new Set(ids.map((id) => id[at])).size);
    const fixed = Array.from("xxxxxxxx-xxxx-7").map(() => 1);
    expect(digits).toEqual([
      ...fixed,
      16,
      16,
      16,
      1,
      4,
      16,
      16,
      16,
      1,
      ...Array.from({ length: 12 }, () => 16),
    ]);
  });
});
