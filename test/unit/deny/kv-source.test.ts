import { beforeEach, describe, expect, it, vi } from "vitest";
import { createKvDenySource, type KvNamespace } from "../../../src/deny/kv-source.ts";

/** KV with its own contents, a record of reads, and reads that can be held back or fail. */
function fakeKv() {
  const values = new Map<string, string>();
  const reads: string[][] = [];
  let gate: Promise<void> | undefined;
  let failure: Error | undefined;
  const kv: KvNamespace = {
    async get(keys) {
      reads.push(keys);
      await gate;
      if (failure !== undefined) throw failure;
      return new Map(keys.map((key) => [key, values.get(key) ?? null]));
    },
  };
  return {
    kv,
    values,
    reads,
    hold(): () => void {
      let release = (): void => undefined;
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
    failWith(error: Error | undefined): void {
      failure = error;
    },
  };
}

describe("the Workers KV source", () => {
  let nowMs = 0;
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  const background: Promise<unknown>[] = [];
  const waitUntil = (work: Promise<unknown>) => void background.push(work);
  const settle = () => Promise.all(background.splice(0));

  beforeEach(() => {
    nowMs = 1_000_000;
    background.length = 0;
  });

  const setUp = (
    over: { maxEntries?: number; lookupTimeoutMs?: number; onError?: (error: unknown) => void } = {},
  ) => {
    const fake = fakeKv();
    const source = createKvDenySource({
      kv: fake.kv,
      cacheSecs: 30,
      lookupTimeoutMs: 60_000,
      clock,
      waitUntil,
      ...over,
    });
    return { ...fake, source };
  };

  it("reads the keys of tenant and key at once, the tenant's entry first", async () => {
    const { source, values, reads } = setUp();
    values.set("blackhole.1", "spend");
    values.set("blackhole.key.2", "fraud");
    expect(await source.lookup("1", "2")).toBe("spend");
    expect(await source.lookup("9", "2")).toBe("fraud");
    expect(await source.lookup("9", undefined)).toBeUndefined();
    expect(reads).toEqual([
      ["blackhole.1", "blackhole.key.2"],
      ["blackhole.9", "blackhole.key.2"],
    ]);
    expect(source.size()).toBe(2);
  });

  it("remembers that nobody is denied, and answers without a promise while that is fresh", async () => {
    const { source, reads } = setUp();
    await source.lookup("1", undefined);
    nowMs += 14_999;
    expect(source.lookup("1", undefined)).toBeUndefined();
    expect(reads).toHaveLength(1);
  });

  it("reads again in the background from half the cache's time, once for all requests", async () => {
    const { source, values, reads } = setUp();
    await source.lookup("1", undefined);
    values.set("blackhole.1", "spend");
    nowMs += 15_000;
    expect(source.lookup("1", undefined)).toBeUndefined();
    expect(source.lookup("1", undefined)).toBeUndefined();
    await settle();
    expect(source.lookup("1", undefined)).toBe("spend");
    expect(reads).toHaveLength(2);
  });

  it("begins another background read when one died with its request", async () => {
    const { source, reads, hold } = setUp();
    await source.lookup("1", undefined);
    await settle();
    hold();
    nowMs += 15_000;
    void source.lookup("1", undefined);
    nowMs += 10_000;
    void source.lookup("1", undefined);
    expect(reads).toHaveLength(3);
  });

  it("waits for the answer once the cached one is older than the cache's time", async () => {
    const { source, values } = setUp();
    values.set("blackhole.1", "spend");
    await source.lookup("1", undefined);
    values.delete("blackhole.1");
    nowMs += 30_000;
    expect(await source.lookup("1", undefined)).toBeUndefined();
    expect(source.size()).toBe(0);
  });

  it("fails open when a cold answer is late, and uses it when it comes", async () => {
    const onError = vi.fn();
    const { source, values, hold } = setUp({ lookupTimeoutMs: 5, onError });
    values.set("blackhole.1", "spend");
    const release = hold();
    expect(await source.lookup("1", undefined)).toBeUndefined();
    expect([source.errors(), source.connected()]).toEqual([1, false]);
    expect(onError).toHaveBeenCalledOnce();
    release();
    await settle();
    expect(source.lookup("1", undefined)).toBe("spend");
    expect(source.connected()).toBe(true);
  });

  it("keeps what it knows when KV fails, denies and allows alike, and asks again a second later", async () => {
    const { source, values, reads, failWith } = setUp();
    values.set("blackhole.1", "spend");
    await source.lookup("1", undefined);
    await source.lookup("2", undefined);
    failWith(new Error("KV is down"));
    nowMs += 60_000;
    expect(await source.lookup("1", undefined)).toBe("spend");
    expect(await source.lookup("2", undefined)).toBeUndefined();
    expect(await source.lookup("3", undefined)).toBeUndefined();
    expect(source.errors()).toBe(3);
    expect(source.lookup("1", undefined)).toBe("spend");
    const before = reads.length;
    failWith(undefined);
    values.delete("blackhole.1");
    nowMs += 1_000;
    expect(await source.lookup("1", undefined)).toBeUndefined();
    expect(reads.length).toBe(before + 1);
  });

  it("lets a deny end at its second, whatever the cache's time", async () => {
    const { source, values } = setUp();
    values.set("blackhole.1", '{"reason":"spend","expires_at":1010}');
    expect(await source.lookup("1", undefined)).toBe("spend");
    nowMs = 1_009_999;
    expect(source.lookup("1", undefined)).toBe("spend");
    nowMs = 1_010_000;
    expect(source.lookup("1", undefined)).toBeUndefined();
  });

  it("keeps a bounded number of answers, the newest", async () => {
    const { source, values, reads } = setUp({ maxEntries: 3 });
    for (let tenant = 0; tenant < 10; tenant++) {
      values.set(`blackhole.${tenant}`, "spend");
      await source.lookup(String(tenant), undefined);
    }
    expect(source.size()).toBe(3);
    expect(source.lookup("9", undefined)).toBe("spend");
    expect(await source.lookup("0", undefined)).toBe("spend");
    expect(reads).toHaveLength(11);
  });
});
