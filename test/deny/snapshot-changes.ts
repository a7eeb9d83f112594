/** An endless list of changes, the same for the writer and for who checks it. */

import type { LogEntry } from "../../src/deny/log-format.ts";

/** The change of a revision: 40 ids, each denied, denied otherwise and removed in turn. */
export function changeOf(revision: number): LogEntry {
  const scattered = Math.imul(revision, 0x9e37_79b1) >>> 0;
  const id = { kind: scattered & 1 ? "key" : "tenant", high: 0, low: (scattered >>> 8) % 20 } as const;
  const kind = (scattered >>> 20) % 3;
  return { id, deny: kind === 0 ? undefined : { reason: kind === 1 ? "spend" : "fraud", expiresAt: 0 } };
}
