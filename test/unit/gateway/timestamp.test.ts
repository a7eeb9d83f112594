import fc from "fast-check";
import { expect, it } from "vitest";
import { createTimestamps } from "../../../src/gateway/timestamp.ts";

it("writes a time as Date does, whatever time it wrote before", () => {
  const format = createTimestamps();
  const ms = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
  const near = fc.tuple(ms, fc.array(fc.integer({ min: -2000, max: 2000 })));
  fc.assert(
    fc.property(near, ([start, steps]) => {
      for (const time of [start, ...steps.map((step) => Math.max(0, start + step))]) {
        expect(format(time)).toBe(new Date(time).toISOString());
      }
    }),
  );
  expect(format(999.9)).toBe("1970-01-01T00:00:00.999Z");
});
