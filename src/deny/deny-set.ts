/**
 * Every denied tenant and key in one open-addressing table of typed arrays: O(1) lookups that allocate nothing.
 *
 * A slot is 13 bytes. A million entries stand in 2^21 slots: 27 MB (bench/micro/deny.ts), and 41 MB for the moment the
 * table doubles.
 */

import type { DenyReason } from "../gateway/ports.ts";
import { parseU64 } from "../keys/u64.ts";
import type { Deny, DenyId, DenyKind } from "./entry.ts";

const REASONS: readonly DenyReason[] = ["unknown", "spend", "fraud"];

// A slot's flags. A byte of 0 is an empty slot.
const USED = 1;
const IS_KEY = 2;
const MARKED = 4;
const REASON_SHIFT = 3;

const MIN_SLOTS = 64;

/** Linear probing stays short below this, because most of a probe reads the dense byte array alone. */
const MAX_LOAD = 0.75;

interface Table {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** Epoch seconds; 0 = never. */
  readonly expiresAt: Uint32Array;
  readonly flags: Uint8Array;
}

/** The deny-set. Removal shifts the cluster back, so no tombstone ever lengthens a probe. */
export class DenySet {
  readonly #now: () => number;
  readonly #words = new Uint32Array(2);
  #table = createTable(MIN_SLOTS);
  #size = 0;

  /** @param now milliseconds since the epoch, asked at each hit that can expire */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#size;
  }

  /** What the table occupies now. */
  get byteLength(): number {
    return this.#table.flags.length * 13;
  }

  /** Why this id (canonical decimal) is denied at this moment, if it is. Allocates nothing, `now` aside. */
  lookup(kind: DenyKind, id: string): DenyReason | undefined {
    if (this.#size === 0 || !parseU64(id, this.#words)) return undefined;
    const slot = find(this.#table, kind, this.#words[0]!, this.#words[1]!);
    const flags = this.#table.flags[slot]!;
    if (flags === 0) return undefined;
    const expiresAt = this.#table.expiresAt[slot]!;
    if (expiresAt !== 0 && this.#now() >= expiresAt * 1000) return undefined;
    return REASONS[flags >> REASON_SHIFT];
  }

  /** The entry as it is held, expired or not. */
  get(id: DenyId): Deny | undefined {
    const slot = find(this.#table, id.kind, id.high, id.low);
    return this.#table.flags[slot] === 0 ? undefined : denyAt(this.#table, slot);
  }

  /** Adds or replaces, and marks; false when the entry was held just so. */
  set(id: DenyId, deny: Deny): boolean {
    let slot = find(this.#table, id.kind, id.high, id.low);
    const held = this.#table.flags[slot]!;
    if (held === 0 && this.#size + 1 > this.#table.flags.length * MAX_LOAD) {
      this.#table = grow(this.#table);
      slot = find(this.#table, id.kind, id.high, id.low);
    }
    const { high, low, expiresAt, flags } = this.#table;
    const changed =
      held === 0 || REASONS[held >> REASON_SHIFT] !== deny.reason || expiresAt[slot] !== deny.expiresAt;
    if (held === 0) this.#size++;
    high[slot] = id.high;
    low[slot] = id.low;
    expiresAt[slot] = deny.expiresAt;
    flags[slot] =
      USED | (id.kind === "key" ? IS_KEY : 0) | MARKED | (REASONS.indexOf(deny.reason) << REASON_SHIFT);
    return changed;
  }

  /** False when there was nothing to remove. */
  delete(id: DenyId): boolean {
    const slot = find(this.#table, id.kind, id.high, id.low);
    if (this.#table.flags[slot] === 0) return false;
    removeSlot(this.#table, slot);
    this.#size--;
    return true;
  }

  /** Forgets all marks: a full scan of the source begins. */
  clearMarks(): void {
    const { flags } = this.#table;
    for (let slot = 0; slot < flags.length; slot++) flags[slot]! &= ~MARKED;
  }

  /** Marks an entry, if it is held, as one that the source still has. */
  mark(id: DenyId): void {
    const slot = find(this.#table, id.kind, id.high, id.low);
    if (this.#table.flags[slot] !== 0) this.#table.flags[slot]! |= MARKED;
  }

  /** Removes every entry that has no mark. */
  sweepUnmarked(onRemoved: (id: DenyId) => void): void {
    const { flags } = this.#table;
    // Upwards in place: a removal moves entries into `slot` or beyond it, so asking `slot` again meets every one.
    for (let slot = 0; slot < flags.length; slot++) {
      while (flags[slot] !== 0 && (flags[slot]! & MARKED) === 0) {
        onRemoved(idAt(this.#table, slot));
        removeSlot(this.#table, slot);
        this.#size--;
      }
    }
  }

  /** All entries, expired ones included, in no order. The set must not change meanwhile. */
  *entries(): Generator<readonly [DenyId, Deny]> {
    const { flags } = this.#table;
    for (let slot = 0; slot < flags.length; slot++) {
      if (flags[slot] !== 0) yield [idAt(this.#table, slot), denyAt(this.#table, slot)];
    }
  }

  /** A copy that later changes do not reach, for a writer that works in slices. */
  clone(): DenySet {
    const copy = new DenySet(this.#now);
    const { high, low, expiresAt, flags } = this.#table;
    copy.#table = {
      high: high.slice(),
      low: low.slice(),
      expiresAt: expiresAt.slice(),
      flags: flags.slice(),
    };
    copy.#size = this.#size;
    return copy;
  }

  /** Takes over the contents of `other`, which must not be used again. */
  adopt(other: DenySet): void {
    this.#table = other.#table;
    this.#size = other.#size;
  }
}

function createTable(slots: number): Table {
  return {
    high: new Uint32Array(slots),
    low: new Uint32Array(slots),
    expiresAt: new Uint32Array(slots),
    flags: new Uint8Array(slots),
  };
}

const kindAt = (table: Table, slot: number): DenyKind =>
  (table.flags[slot]! & IS_KEY) === 0 ? "tenant" : "key";

const idAt = (table: Table, slot: number): DenyId => ({
  kind: kindAt(table, slot),
  high: table.high[slot]!,
  low: table.low[slot]!,
});

const denyAt = (table: Table, slot: number): Deny => ({
  reason: REASONS[table.flags[slot]! >> REASON_SHIFT]!,
  expiresAt: table.expiresAt[slot]!,
});

/** Two rounds of a 32-bit finalizer (Mulvey's constants): ids count up, so neighbours must land far apart. */
function hash(kind: DenyKind, high: number, low: number): number {
  let h = low ^ (kind === "key" ? 0x85eb_ca6b : 0);
  h = Math.imul(h ^ (h >>> 16), 0x21f0_aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a_2d97) ^ high;
  h = Math.imul(h ^ (h >>> 16), 0x21f0_aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a_2d97);
  return h ^ (h >>> 15);
}

/** The slot that holds the id, or the empty one where it belongs. */
function find(table: Table, kind: DenyKind, high: number, low: number): number {
  const mask = table.flags.length - 1;
  const isKey = kind === "key" ? IS_KEY : 0;
  let slot = hash(kind, high, low) & mask;
  for (;;) {
    const flags = table.flags[slot]!;
    if (flags === 0) return slot;
    if (table.low[slot] === low && table.high[slot] === high && (flags & IS_KEY) === isKey) return slot;
    slot = (slot + 1) & mask;
  }
}

function copySlot(from: Table, source: number, to: Table, target: number): void {
  to.high[target] = from.high[source]!;
  to.low[target] = from.low[source]!;
  to.expiresAt[target] = from.expiresAt[source]!;
  to.flags[target] = from.flags[source]!;
}

/** Empties a slot and moves back every later entry of the cluster that may stand nearer to its home. */
function removeSlot(table: Table, slot: number): void {
  const mask = table.flags.length - 1;
  let hole = slot;
  for (let next = (hole + 1) & mask; table.flags[next] !== 0; next = (next + 1) & mask) {
    const home = hash(kindAt(table, next), table.high[next]!, table.low[next]!) & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    copySlot(table, next, table, hole);
    hole = next;
  }
  table.flags[hole] = 0;
}

/** The one step that is not O(1): 5 ms at 100,000 entries, 30 to 45 ms at 800,000, and each doubling only once. */
function grow(table: Table): Table {
  const larger = createTable(table.flags.length * 2);
  for (let slot = 0; slot < table.flags.length; slot++) {
    if (table.flags[slot] === 0) continue;
    const target = find(larger, kindAt(table, slot), table.high[slot]!, table.low[slot]!);
    copySlot(table, slot, larger, target);
  }
  return larger;
}
