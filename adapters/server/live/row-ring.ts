/** The last rows, for whoever opens the live page. */
import type { UsageRow } from "../../../src/gateway/row.ts";

export interface RowRing {
  add(row: UsageRow): void;
  /** Rows added after the first `seen` ones, oldest first, as far as they are still here; and how many there were in all. */
  since(seen: number): { readonly rows: UsageRow[]; readonly seen: number };
}

/** A row costs one reference here: it is made ready for the page only when somebody looks. */
export function createRowRing(capacity = 200): RowRing {
  const kept: UsageRow[] = [];
  let added = 0;
  return {
    add(row) {
      kept[added % capacity] = row;
      added++;
    },
    since(seen) {
      const rows: UsageRow[] = [];
      for (let at = Math.max(seen, added - capacity); at < added; at++) rows.push(kept[at % capacity]!);
      return { rows, seen: added };
    },
  };
}
