/** A worker's copy of the primary's deny-set. */
import { DenySet } from "../../../src/deny/deny-set.ts";
import { type LivingDenySource, lookupIn } from "../../server/deny/index.ts";
import { applyEntries, type DenyBatch } from "./deny-batches.ts";

export interface DenyReplica extends LivingDenySource {
  take(batch: DenyBatch): void;
}

/** `start` resolves with the first whole set. */
export function createDenyReplica(now: () => number): DenyReplica {
  const set = new DenySet(now);
  let incoming = new DenySet(now);
  const { promise: whole, resolve } = Promise.withResolvers<void>();
  return {
    lookup: (tenantId, keyId) => lookupIn(set, tenantId, keyId),
    start: () => whole,
    close: async () => {},
    take({ part, words }) {
      applyEntries(part === "changes" ? set : incoming, words);
      if (part !== "last") return;
      set.adopt(incoming);
      incoming = new DenySet(now);
      resolve();
    },
  };
}
