/**
 * The deny-set as a replica of a bucket: what a watch and a scan, running side by side, may change.
 *
 * The watch is ordered and moves `revision`. A scan reads the last value of every key beside it and finds what the
 * watch cannot show: removals that left no marker. The watch always knows better about what it has seen.
 */

import type { DenySet } from "./deny-set.ts";
import { formatDenyKey } from "./entry.ts";
import type { LogEntry, LogPosition } from "./log-format.ts";

/** An entry whose `expires_at` lies this far back is dropped; one that is younger returns if the clock steps back. */
const FORGET_AFTER_SECS = 3600;

/** One message of the bucket; `deny` is undefined for a removal. */
export type BucketChange = LogEntry & { readonly revision: number };

/** What a stream says about itself. */
export interface StreamState {
  /** When it was created: another value is another stream. */
  readonly created: string;
  readonly firstRevision: number;
  readonly lastRevision: number;
}

/** Keeps a set in step with a bucket, across streams and connections. */
export class Replica {
  readonly #set: DenySet;
  readonly #now: () => number;
  readonly #onChange: (entry: LogEntry) => void;
  #position: LogPosition = { stream: undefined, revision: 0 };
  /** While a scan runs: the keys that the watch changed meanwhile. */
  #touched: Set<string> | undefined;

  /** @param onChange told of every change to the set, in order */
  constructor(set: DenySet, now: () => number, onChange: (entry: LogEntry) => void) {
    this.#set = set;
    this.#now = now;
    this.#onChange = onChange;
  }

  /** What the set reflects: safe to resume from, since each connection scans as well. */
  get position(): LogPosition {
    return this.#position;
  }

  /** Continues from what a snapshot file knew. */
  restore(position: LogPosition): void {
    this.#position = position;
  }

  /** Is this still the stream that `position` speaks of? */
  follows(stream: StreamState): boolean {
    return this.#position.stream === stream.created && this.#position.revision <= stream.lastRevision;
  }

  /**
   * The revision to watch from. Another stream, a revision above its last or one that has expired starts afresh:
   * from the stream's end, with the scan to bring what stands before it.
   */
  resume(stream: StreamState): number {
    const { revision } = this.#position;
    if (!this.follows(stream) || revision + 1 < stream.firstRevision) {
      this.#position = { stream: stream.created, revision: stream.lastRevision };
    }
    return this.#position.revision + 1;
  }

  /** The watch saw a change. */
  watched(change: BucketChange): void {
    this.#touched?.add(formatDenyKey(change.id));
    this.#apply(change);
    this.#position = { ...this.#position, revision: change.revision };
  }

  beginScan(): void {
    this.#set.clearMarks();
    this.#touched = new Set();
  }

  /** The scan met the last value of a key. What the watch has still to bring, or has overtaken, is left to it. */
  scanned(change: BucketChange): void {
    if (change.revision > this.#position.revision) this.#set.mark(change.id);
    else if (!this.#touched?.has(formatDenyKey(change.id))) this.#apply(change);
  }

  /** The scan is complete: what it has not met is gone. Returns how many entries that were. */
  endScan(): number {
    let removed = 0;
    this.#set.sweepUnmarked((id) => {
      removed++;
      this.#onChange({ id, deny: undefined });
    });
    this.#touched = undefined;
    return removed;
  }

  /** The scan broke off; the next one starts over. */
  abandonScan(): void {
    this.#touched = undefined;
  }

  #apply({ id, deny, revision }: BucketChange): void {
    const isOver = deny === undefined || this.#isForgotten(deny.expiresAt);
    const changed = isOver ? this.#set.delete(id) : this.#set.set(id, deny);
    if (changed) this.#onChange({ id, deny: isOver ? undefined : deny, revision });
  }

  #isForgotten(expiresAt: number): boolean {
    return expiresAt !== 0 && expiresAt + FORGET_AFTER_SECS < this.#now() / 1000;
  }
}
