import { describe, expect, it } from "vitest";
import { type Breaker, createBreaker } from "../../../src/limit/breaker.ts";

const options = { threshold: 3, windowMs: 10_000, resetMs: 30_000 };

const failTimes = (breaker: Breaker, times: readonly number[]): void => {
  for (const time of times) {
    expect(breaker.admit(time)).toBe("closed");
    breaker.failure("closed", time);
  }
};

const opened = (): Breaker => {
  const breaker = createBreaker(options);
  failTimes(breaker, [0, 1, 2]);
  return breaker;
};

describe("createBreaker", () => {
  it("opens at the threshold within the window, and not before", () => {
    const breaker = createBreaker(options);
    failTimes(breaker, [0, 5000]);
    expect(breaker.isOpen(9998)).toBe(false);
    failTimes(breaker, [9999]);
    expect(breaker.isOpen(9999)).toBe(true);
    expect(breaker.admit(9999)).toBe("open");
  });

  it("stays closed while the failures slide out of the window", () => {
    const breaker = createBreaker(options);
    failTimes(breaker, [0, 5000, 10_000, 15_000, 20_000, 25_000]);
    expect(breaker.admit(25_000)).toBe("closed");
  });

  it("counts failures among any number of successes", () => {
    const breaker = createBreaker(options);
    for (const time of [0, 1, 2]) {
      breaker.success("closed");
      breaker.failure("closed", time);
      breaker.success("closed");
    }
    expect(breaker.admit(3)).toBe("open");
  });

  it("opens at once with a threshold of 1", () => {
    const breaker = createBreaker({ ...options, threshold: 1 });
    failTimes(breaker, [50]);
    expect(breaker.admit(50)).toBe("open");
  });

  it("never opens with a threshold of 0", () => {
    const breaker = createBreaker({ ...options, threshold: 0 });
    failTimes(
      breaker,
      Array.from({ length: 100 }, () => 0),
    );
    expect(breaker.isOpen(0)).toBe(false);
  });

  it("lets one probe through after the reset, and no second one beside it", () => {
    const breaker = opened();
    expect(breaker.admit(30_001)).toBe("open");
    expect(breaker.isOpen(30_002)).toBe(false);
    expect(breaker.admit(30_002)).toBe("probe");
    expect(breaker.isOpen(30_002)).toBe(true);
    expect(breaker.admit(99_999)).toBe("open");
  });

  it("closes on the probe's success, with no failure left over", () => {
    const breaker = opened();
    breaker.admit(40_000);
    breaker.success("probe");
    failTimes(breaker, [40_001, 40_002]);
    expect(breaker.admit(40_003)).toBe("closed");
  });

  it("opens for another whole reset on the probe's failure", () => {
    const breaker = opened();
    breaker.admit(40_000);
    breaker.failure("probe", 41_000);
    expect(breaker.admit(70_999)).toBe("open");
    expect(breaker.admit(71_000)).toBe("probe");
  });

  it("lets the next request probe when the probe ended without a verdict", () => {
    const breaker = opened();
    breaker.admit(40_000);
    breaker.abandon("probe");
    expect(breaker.admit(40_001)).toBe("probe");
  });

  it("lets no straggler from before it opened decide for the probe", () => {
    const breaker = opened();
    breaker.success("closed");
    expect(breaker.admit(3)).toBe("open");
    breaker.admit(40_000);
    breaker.success("closed");
    breaker.abandon("closed");
    breaker.failure("closed", 40_001);
    expect(breaker.admit(40_002)).toBe("open");
    breaker.success("probe");
    expect(breaker.admit(40_003)).toBe("closed");
  });

  it("is not kept open by failures of stragglers", () => {
    const breaker = opened();
    for (let i = 0; i < 10; i++) breaker.failure("closed", 29_000);
    expect(breaker.admit(30_002)).toBe("probe");
  });

  it("names a wait of 1 to 5 whole seconds", () => {
    const breaker = opened();
    expect(breaker.retryAfterSecs(2)).toBe(5);
    expect(breaker.retryAfterSecs(27_500)).toBe(3);
    expect(breaker.retryAfterSecs(29_999)).toBe(1);
    expect(breaker.retryAfterSecs(90_000)).toBe(1);
    expect(createBreaker(options).retryAfterSecs(0)).toBe(1);
  });
});
