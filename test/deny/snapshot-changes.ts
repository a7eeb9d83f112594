/** An endless list of changes, the same for the writer and for who checks it. */

import type { LogEntry } from "../../src/deny/log-format.ts";

/** The change of a revision: thousands of ids, each denied, denied otherwise and removed in turn. */
export function changeOf(revision: number): LogEntry {
  const scattered = Math.imul(revision, 0x9e37_79b1) >>> 0;
  const id = { kind: scattered & 1 ? "key" : "tenant", high: 0, low: (scattered >>> 8) % 2_000 } as const;
  const outcome = Math.imul(scattered ^ (scattered >>> 15), 0x2c1b_3c6d) >>> 0;
  if (outcome % 4 === 0) return { id, deny: undefined };
  return { id, deny: { reason: outcome % 4 === 1 ? "fraud" : "spend", expiresAt: 0 } };
}
