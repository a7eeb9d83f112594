/** Ceilings and breakers of several workers, with the news between them carried by hand. */
import { describe, expect, it, vi } from "vitest";
import { createNewsHub } from "../../../adapters/node/cluster/news-hub.ts";
import { createSharedLimits, type News } from "../../../adapters/node/cluster/shared-limits.ts";

const SEED = [7, 11] as const;
const BREAKER = { threshold: 3, windowMs: 10_000, resetMs: 30_000 };

/** Two workers whose clock stands still; `exchange` carries what each told to the other. */
function twoWorkers() {
  const told: News[][] = [[], []];
  const clock = { now: () => 0, monotonic: () => 1000 };
  const workers = told.map((news) => createSharedLimits(SEED, clock, (one) => news.push(one)));
  const exchange = (): void => {
    vi.runAllTimers();
    const [first = [], second = []] = told.map((news) => news.splice(0));
    for (const news of first) workers[1]!.hear(news);
    for (const news of second) workers[0]!.hear(news);
  };
  return { workers: [workers[0]!.limits, workers[1]!.limits] as const, exchange };
}

const countAllowed = (times: number, allow: () => boolean): number =>
  Array.from({ length: times }, allow).filter(Boolean).length;

describe("ceilings that hear of each other", () => {
  it("give a credential its whole burst in one worker, and nothing more in the other once that has heard", () => {
    vi.useFakeTimers();
    const { workers, exchange } = twoWorkers();
    const [first, second] = workers.map((limits) => limits.ceilings(100));
    expect(countAllowed(150, () => first!.allow("bai_key", 1000))).toBe(100);
    exchange();
    expect(second!.allow("bai_key", 1000)).toBe(false);
    expect(second!.allow("another", 1000)).toBe(true);
    // A tenth of the burst is back after a tenth of a second, wherever it is asked for.
    expect(countAllowed(20, () => second!.allow("bai_key", 1100))).toBe(10);
    vi.useRealTimers();
  });

  it("wait for what both let through before they had heard", () => {
    vi.useFakeTimers();
    const { workers, exchange } = twoWorkers();
    const [first, second] = workers.map((limits) => limits.ceilings(100));
    countAllowed(100, () => first!.allow("bai_key", 1000));
    countAllowed(100, () => second!.allow("bai_key", 1000));
    exchange();
    for (const ceilings of [first!, second!]) {
      expect(ceilings.allow("bai_key", 1990)).toBe(false);
      expect(ceilings.allow("bai_key", 2010)).toBe(true);
    }
    vi.useRealTimers();
  });

  it("tell of more than one message holds", () => {
    vi.useFakeTimers();
    const { workers, exchange } = twoWorkers();
    const [first, second] = workers.map((limits) => limits.ceilings(10_000));
    expect(countAllowed(10_000, () => first!.allow("bai_key", 1000))).toBe(10_000);
    exchange();
    expect(second!.allow("bai_key", 1000)).toBe(false);
    vi.useRealTimers();
  });

  it.each(["byo", "verify"] as const)(
    "share the aggregate of %s, which no other aggregate is charged for",
    (of) => {
      vi.useFakeTimers();
      const { workers, exchange } = twoWorkers();
      const other = of === "byo" ? "verify" : "byo";
      const [first, second] = workers.map((limits) => limits.aggregate(of, 10));
      const untouched = workers[1].aggregate(other, 10);
      expect(countAllowed(15, () => first!.allow(1000))).toBe(10);
      exchange();
      expect(second!.allow(1000)).toBe(false);
      expect(countAllowed(15, () => untouched.allow(1000))).toBe(10);
      vi.useRealTimers();
    },
  );

  it("stay off where the config says so", () => {
    const { workers } = twoWorkers();
    expect(countAllowed(1000, () => workers[0].aggregate("byo", 0).allow(1000))).toBe(1000);
    expect(countAllowed(1000, () => workers[0].ceilings(0).allow("key", 1000))).toBe(1000);
  });
});

describe("breakers that hear of each other", () => {
  it("open with the failures of both, and close with a probe of either", () => {
    vi.useFakeTimers();
    const { workers, exchange } = twoWorkers();
    const [first, second] = workers.map((limits) => limits.breaker("openai", BREAKER));
    const other = workers[1].breaker("groq", BREAKER);
    first!.failure("closed", 1000);
    second!.failure("closed", 1000);
    first!.failure("closed", 1000);
    expect([first!.isOpen(1000), second!.isOpen(1000)]).toEqual([false, false]);
    exchange();
    expect([first!.isOpen(1000), second!.isOpen(1000), other.isOpen(1000)]).toEqual([true, true, false]);
    const probe = first!.admit(40_000);
    expect(probe).toBe("probe");
    first!.success("probe");
    exchange();
    expect(second!.admit(40_000)).toBe("closed");
    vi.useRealTimers();
  });

  it("stay open together when a probe fails", () => {
    vi.useFakeTimers();
    const { workers, exchange } = twoWorkers();
    const [first, second] = workers.map((limits) => limits.breaker("openai", { ...BREAKER, resetMs: 0 }));
    for (let n = 0; n < 3; n++) first!.failure("closed", 1000);
    exchange();
    expect(first!.admit(1000)).toBe("probe");
    expect(second!.admit(1000)).toBe("probe");
    first!.failure("probe", 1000);
    exchange();
    // Its own probe is void: the next one decides.
    expect(second!.admit(1000)).toBe("probe");
    vi.useRealTimers();
  });
});

describe("the hub", () => {
  it("tells each worker what all the others told, in one message", () => {
    vi.useFakeTimers();
    const heard = new Map<number, (readonly News[])[]>([1, 2, 3].map((number) => [number, []]));
    const workers = new Map(
      [...heard].map(([number, messages]) => [
        number,
        { tell: (message: { type: string; news?: readonly News[] }) => messages.push(message.news ?? []) },
      ]),
    );
    const hub = createNewsHub(workers);
    const news = (byo: number): News => ({ counted: new Int32Array(0), byo, verify: 0, verdicts: [] });
    hub.add(1, news(1));
    hub.add(2, news(2));
    vi.runAllTimers();
    const counts = [...heard.values()].map((messages) => messages.map((one) => one.map(({ byo }) => byo)));
    expect(counts).toEqual([[[2]], [[1]], [[1, 2]]]);
    vi.useRealTimers();
  });
});
