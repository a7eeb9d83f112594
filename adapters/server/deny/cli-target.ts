/** What `beyond-ai deny` works on: one shape for NATS, a snapshot file and Workers KV. */

import type { Deny, DenyId } from "../../../src/deny/entry.ts";

/** An entry as the target holds it. */
export interface ListedDeny {
  readonly id: DenyId;
  readonly deny: Deny;
}

/** Where denies are read and written. Every method throws `CliError` for what an operator can mend. */
export interface DenyTarget {
  list(): Promise<ListedDeny[]>;
  add(id: DenyId, deny: Deny): Promise<void>;
  /** False when there was no such entry, where the target can tell. */
  remove(id: DenyId): Promise<boolean>;
}
