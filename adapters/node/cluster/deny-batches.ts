/** Deny entries packed into 32-bit words to be sent from the primary to a worker: 16 bytes each. */
import type { DenySet } from "../../../src/deny/deny-set.ts";
import { DENY_REASONS } from "../../../src/deny/entry.ts";
import type { LogEntry } from "../../../src/deny/log-format.ts";

/** `bulk` builds a set of its own, which `last` puts in force; `changes` are of the set in force. */
export interface DenyBatch {
  readonly part: "bulk" | "last" | "changes";
  /** Four for each entry: the two of its id, its expiry, its reason and kind. */
  readonly words: Uint32Array;
}

/** The fourth word: the reason's index + 1 (0: the entry was removed), and this bit for a key. */
const IS_KEY = 0x80;
const WORDS = 4;

export function packEntries(entries: readonly LogEntry[]): Uint32Array {
  const words = new Uint32Array(entries.length * WORDS);
  let at = 0;
  for (const { id, deny } of entries) {
    words[at++] = id.high;
    words[at++] = id.low;
    words[at++] = deny?.expiresAt ?? 0;
    words[at++] = (deny ? DENY_REASONS.indexOf(deny.reason) + 1 : 0) | (id.kind === "key" ? IS_KEY : 0);
  }
  return words;
}

export function applyEntries(set: DenySet, words: Uint32Array): void {
  for (let at = 0; at < words.length; at += WORDS) {
    const rest = words[at + 3]!;
    const id = {
      kind: (rest & IS_KEY) === 0 ? "tenant" : "key",
      high: words[at]!,
      low: words[at + 1]!,
    } as const;
    const reason = DENY_REASONS[(rest & ~IS_KEY) - 1];
    if (reason === undefined) set.delete(id);
    else set.set(id, { reason, expiresAt: words[at + 2]! });
  }
}
