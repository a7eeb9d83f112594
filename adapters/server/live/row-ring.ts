/** The last rows, for whoever opens the live page. */
import type { UsageRow } from "../../../src/gateway/row.ts";
import { liveRowOf } from "./live-row.ts";
import type { LiveRow } from "./wire.ts";

export interface RowRing {
  /** A row, or the line that another process wrote of one. */
  add(row: UsageRow | string): void;
  /** Rows added after the first `seen` ones, oldest first, as far as they are still here; and how many there were in all. */
  since(seen: number): { readonly rows: LiveRow[]; readonly seen: number };
}

/** A row costs one reference here: it is made ready for the page only when somebody looks. */
export function createRowRing(capacity = 200): RowRing {
  const kept: (UsageRow | string)[] = [];
  let added = 0;
  return {
    add(row) {
      kept[added % capacity] = row;
      added++;
    },
    since(seen) {
      const rows: LiveRow[] = [];
      for (let at = Math.max(seen, added - capacity); at < added; at++) {
        rows.push(liveRowOf(kept[at % capacity]!));
      }
      return { rows, seen: added };
    },
  };
}
