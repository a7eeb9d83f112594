/** The way of the deny-set from the primary to a worker. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyEntries, type DenyBatch, packEntries } from "../../../adapters/node/cluster/deny-batches.ts";
import { feedDenies } from "../../../adapters/node/cluster/deny-feed.ts";
import { createDenyReplica } from "../../../adapters/node/cluster/deny-replica.ts";
import type { ServerDenySource } from "../../../adapters/server/deny/index.ts";
import { DenySet } from "../../../src/deny/deny-set.ts";
import type { LogEntry } from "../../../src/deny/log-format.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const entries = fc.array(
  fc.record({
    id: fc.record({ kind: fc.constantFrom("tenant" as const, "key" as const), high: u32, low: u32 }),
    deny: fc.option(
      fc.record({
        reason: fc.constantFrom("unknown" as const, "spend" as const, "fraud" as const),
        expiresAt: u32,
      }),
      { nil: undefined },
    ),
  }),
);

const tenant = (low: number): LogEntry["id"] => ({ kind: "tenant", high: 0, low });
const SPEND = { reason: "spend", expiresAt: 0 } as const;

/** A source that the test changes, and a worker's replica that is fed from it, batch by batch. */
function feedWorker(size: number) {
  const set = new DenySet(() => 0);
  for (let id = 1; id <= size; id++) set.set(tenant(id), SPEND);
  const source = { copy: () => set.clone(), followers: [] as Parameters<ServerDenySource["follow"]>[0][] };
  const replica = createDenyReplica(() => 0);
  const batches: DenyBatch[] = [];
  let onBatch = (): void => {};
  feedDenies(
    {
      copy: source.copy,
      follow(follower) {
        source.followers.push(follower);
        return () => source.followers.splice(source.followers.indexOf(follower), 1);
      },
    },
    async (batch) => {
      batches.push(batch);
      replica.take(batch);
      onBatch();
    },
  );
  return {
    set,
    replica,
    batches,
    followers: source.followers,
    change(id: number, deny: LogEntry["deny"]) {
      if (deny) set.set(tenant(id), deny);
      else set.delete(tenant(id));
      for (const follower of source.followers) follower.changed({ id: tenant(id), deny });
    },
    /** Resolves after the batch that makes it so. */
    until: (isSo: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        onBatch = () => {
          if (isSo()) resolve();
        };
        onBatch();
      }),
    onBatch(run: () => void) {
      onBatch = run;
    },
  };
}

describe("packed entries", () => {
  it("do to a set what the entries do", () => {
    fc.assert(
      fc.property(entries, (list) => {
        const [plain, packed] = [new DenySet(() => 0), new DenySet(() => 0)];
        for (const { id, deny } of list) {
          if (deny) plain.set(id, deny);
          else plain.delete(id);
        }
        applyEntries(packed, packEntries(list));
        expect(new Map(packed.entries())).toEqual(new Map(plain.entries()));
        expect(packed.size).toBe(plain.size);
      }),
    );
  });
});

describe("a worker's deny-set", () => {
  it("starts with the whole of a large one", async () => {
    const { replica, batches } = feedWorker(40_000);
    await replica.start();
    expect(batches.map(({ part }) => part)).toEqual(["bulk", "bulk", "last"]);
    expect([replica.lookup("1", undefined), replica.lookup("40000", undefined)]).toEqual(["spend", "spend"]);
    expect(replica.lookup("40001", undefined)).toBeUndefined();
  });

  it("has the change that came while the whole was on its way, whichever part that one was in", async () => {
    const fed = feedWorker(40_000);
    fed.onBatch(() => {
      if (fed.batches.length !== 1) return;
      fed.change(1, undefined);
      fed.change(40_000, undefined);
      fed.change(50_000, SPEND);
    });
    await fed.replica.start();
    await fed.until(() => fed.replica.lookup("50000", undefined) === "spend");
    expect([fed.replica.lookup("1", undefined), fed.replica.lookup("40000", undefined)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it("follows changes in one batch, and a replacement with the whole", async () => {
    const fed = feedWorker(2);
    await fed.replica.start();
    fed.change(3, SPEND);
    fed.change(1, undefined);
    await fed.until(() => fed.replica.lookup("3", undefined) === "spend");
    expect(fed.batches.map(({ part }) => part)).toEqual(["last", "changes"]);
    expect(fed.replica.lookup("1", undefined)).toBeUndefined();
    fed.set.delete(tenant(2));
    for (const follower of fed.followers) follower.replaced();
    await fed.until(() => fed.replica.lookup("2", undefined) === undefined);
    expect(fed.batches.at(-1)?.part).toBe("last");
  });

  it("gets the whole again instead of a queue that has grown too long", async () => {
    const fed = feedWorker(1);
    await fed.replica.start();
    for (let id = 2; id <= 150_000; id++) fed.change(id, SPEND);
    await fed.until(() => fed.replica.lookup("150000", undefined) === "spend");
    expect(fed.batches.map(({ part }) => part)).not.toContain("changes");
  });

  it("is followed no longer when the worker is gone", async () => {
    const followers = new Set<unknown>();
    const { promise: unfollowed, resolve } = Promise.withResolvers<void>();
    feedDenies(
      {
        copy: () => new DenySet(() => 0),
        follow(follower) {
          followers.add(follower);
          return () => {
            followers.delete(follower);
            resolve();
          };
        },
      },
      () => Promise.reject(new Error("the channel is closed")),
    );
    await unfollowed;
    expect(followers.size).toBe(0);
  });
});
