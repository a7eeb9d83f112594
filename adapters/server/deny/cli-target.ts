/** What `beyond-ai deny` works on: one shape for NATS, a snapshot file and Workers KV. */

import type { Deny, DenyId } from "../../../src/deny/entry.ts";

/** An entry as the target holds it. */
export interface ListedDeny {
  readonly id: DenyId;
  readonly deny: Deny;
}

/** Where denies are read and written. Every method throws `DenyCommandError` for what an operator can mend. */
export interface DenyTarget {
  list(): Promise<ListedDeny[]>;
  add(id: DenyId, deny: Deny): Promise<void>;
  /** False when there was no such entry, where the target can tell. */
  remove(id: DenyId): Promise<boolean>;
}

/** An end of the command with a message for people and an exit code: 1 = it failed, 2 = it was called wrongly. */
export class DenyCommandError extends Error {
  readonly exitCode: 1 | 2;
  constructor(exitCode: 1 | 2, message: string) {
    super(message);
    this.name = "DenyCommandError";
    this.exitCode = exitCode;
  }
}
