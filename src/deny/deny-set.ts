/**
 * Every denied tenant and key in one open-addressing table: O(1) lookups that allocate nothing.
 *
 * Nearly every id that is asked for is not denied: that is told from a byte a slot, two megabytes for a million entries,
 * which caches hold. A slot is 17 bytes: 36 MB then (bench/micro/deny.ts), and 53 MB for the moment the table doubles.
 */

import type { DenyReason } from "../gateway/ports.ts";
import { parseU64 } from "../keys/u64.ts";
import { DENY_REASONS, type Deny, type DenyId, type DenyKind } from "./entry.ts";

// The words of an entry, which are beside each other: what a lookup must read then stands in one line of memory.
const WORDS = 4;
const LOW = 0;
const HIGH = 1;
/** Epoch seconds; 0 = never. */
const EXPIRES_AT = 2;
const FLAGS = 3;

const IS_KEY = 1;
const MARKED = 2;
const REASON_SHIFT = 2;

const MIN_SLOTS = 64;
const MAX_LOAD = 0.75;

interface Table {
  /** A byte a slot: 0 if it is empty, else seven bits of its id's hash under a top bit that is set. */
  readonly tags: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
}

/** The deny-set. Removal shifts the cluster back, so no tombstone ever lengthens a probe. */
export class DenySet {
  readonly #now: () => number;
  readonly #id = new Uint32Array(2);
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
    return this.#table.tags.byteLength + this.#table.words.byteLength;
  }

  /** Why this id (canonical decimal) is denied at this moment, if it is. Allocates nothing, `now` aside. */
  lookup(kind: DenyKind, id: string): DenyReason | undefined {
    if (this.#size === 0 || !parseU64(id, this.#id)) return undefined;
    const { tags, words } = this.#table;
    const slot = find(this.#table, kind, this.#id[0]!, this.#id[1]!);
    if (tags[slot] === 0) return undefined;
    const expiresAt = words[slot * WORDS + EXPIRES_AT]!;
    if (expiresAt !== 0 && this.#now() >= expiresAt * 1000) return undefined;
    return DENY_REASONS[words[slot * WORDS + FLAGS]! >> REASON_SHIFT];
  }

  /** The entry as it is held, expired or not. */
  get(id: DenyId): Deny | undefined {
    const slot = find(this.#table, id.kind, id.high, id.low);
    return this.#table.tags[slot] === 0 ? undefined : denyAt(this.#table, slot);
  }

  /** Adds or replaces, and marks; false when the entry was held just so. */
  set(id: DenyId, deny: Deny): boolean {
    let slot = find(this.#table, id.kind, id.high, id.low);
    const isHeld = this.#table.tags[slot] !== 0;
    if (!isHeld && this.#size + 1 > this.#table.tags.length * MAX_LOAD) {
      this.#table = grow(this.#table);
      slot = find(this.#table, id.kind, id.high, id.low);
    }
    const { tags, words } = this.#table;
    const at = slot * WORDS;
    const changed =
      !isHeld ||
      DENY_REASONS[words[at + FLAGS]! >> REASON_SHIFT] !== deny.reason ||
      words[at + EXPIRES_AT] !== deny.expiresAt;
    if (!isHeld) this.#size++;
    tags[slot] = tagOf(hash(id.kind, id.high, id.low));
    words[at + LOW] = id.low;
    words[at + HIGH] = id.high;
    words[at + EXPIRES_AT] = deny.expiresAt;
    words[at + FLAGS] =
      (id.kind === "key" ? IS_KEY : 0) | MARKED | (DENY_REASONS.indexOf(deny.reason) << REASON_SHIFT);
    return changed;
  }

  /** False when there was nothing to remove. */
  delete(id: DenyId): boolean {
    const slot = find(this.#table, id.kind, id.high, id.low);
    if (this.#table.tags[slot] === 0) return false;
    removeSlot(this.#table, slot);
    this.#size--;
    return true;
  }

  /** Forgets all marks: a full scan of the source begins. */
  clearMarks(): void {
    const { words } = this.#table;
    for (let at = FLAGS; at < words.length; at += WORDS) words[at]! &= ~MARKED;
  }

  /** Marks an entry, if it is held, as one that the source still has. */
  mark(id: DenyId): void {
    const { tags, words } = this.#table;
    const slot = find(this.#table, id.kind, id.high, id.low);
    if (tags[slot] !== 0) words[slot * WORDS + FLAGS]! |= MARKED;
  }

  /** Removes every entry that has no mark. */
  sweepUnmarked(onRemoved: (id: DenyId) => void): void {
    const { tags, words } = this.#table;
    // Upwards in place: a removal moves entries into `slot` or beyond it, so asking `slot` again meets every one.
    for (let slot = 0; slot < tags.length; slot++) {
      while (tags[slot] !== 0 && (words[slot * WORDS + FLAGS]! & MARKED) === 0) {
        onRemoved(idAt(this.#table, slot));
        removeSlot(this.#table, slot);
        this.#size--;
      }
    }
  }

  /** All entries, expired ones included, in no order. The set must not change meanwhile. */
  *entries(): Generator<readonly [DenyId, Deny]> {
    const { tags } = this.#table;
    for (let slot = 0; slot < tags.length; slot++) {
      if (tags[slot] !== 0) yield [idAt(this.#table, slot), denyAt(this.#table, slot)];
    }
  }

  /** A copy that later changes do not reach, for a writer that works in slices. */
  clone(): DenySet {
    const copy = new DenySet(this.#now);
    copy.#table = { tags: this.#table.tags.slice(), words: this.#table.words.slice() };
    copy.#size = this.#size;
    return copy;
  }

  /** Takes over the contents of `other`, which must not be used again. */
  adopt(other: DenySet): void {
    this.#table = other.#table;
    this.#size = other.#size;
  }
}

const createTable = (slots: number): Table => ({
  tags: new Uint8Array(slots),
  words: new Uint32Array(slots * WORDS),
});

function idAt({ words }: Table, slot: number): DenyId {
  const at = slot * WORDS;
  return {
    kind: (words[at + FLAGS]! & IS_KEY) === 0 ? "tenant" : "key",
    high: words[at + HIGH]!,
    low: words[at + LOW]!,
  };
}

const denyAt = ({ words }: Table, slot: number): Deny => ({
  reason: DENY_REASONS[words[slot * WORDS + FLAGS]! >> REASON_SHIFT]!,
  expiresAt: words[slot * WORDS + EXPIRES_AT]!,
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

/** The top bits of a hash: its low ones are the slot's number. */
const tagOf = (hashed: number): number => 0x80 | (hashed >>> 25);

/** The slot that holds the id, or the empty one where it belongs. */
function find({ tags, words }: Table, kind: DenyKind, high: number, low: number): number {
  const mask = tags.length - 1;
  const hashed = hash(kind, high, low);
  const tag = tagOf(hashed);
  const isKey = kind === "key" ? IS_KEY : 0;
  for (let slot = hashed & mask; ; slot = (slot + 1) & mask) {
    const held = tags[slot]!;
    if (held === 0) return slot;
    if (held !== tag) continue;
    const at = slot * WORDS;
    if (words[at + LOW] === low && words[at + HIGH] === high && (words[at + FLAGS]! & IS_KEY) === isKey)
      return slot;
  }
}

function copySlot(from: Table, source: number, to: Table, target: number): void {
  to.tags[target] = from.tags[source]!;
  for (let word = 0; word < WORDS; word++) {
    to.words[target * WORDS + word] = from.words[source * WORDS + word]!;
  }
}

/** Empties a slot and moves back every later entry of the cluster that may stand nearer to its home. */
function removeSlot(table: Table, slot: number): void {
  const mask = table.tags.length - 1;
  let hole = slot;
  for (let next = (hole + 1) & mask; table.tags[next] !== 0; next = (next + 1) & mask) {
    const { kind, high, low } = idAt(table, next);
    const home = hash(kind, high, low) & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    copySlot(table, next, table, hole);
    hole = next;
  }
  table.tags[hole] = 0;
}

/** The one step that is not O(1): 5 ms at 100,000 entries, 30 to 45 ms at 800,000, and each doubling only once. */
function grow(table: Table): Table {
  const larger = createTable(table.tags.length * 2);
  for (let slot = 0; slot < table.tags.length; slot++) {
    if (table.tags[slot] === 0) continue;
    const { kind, high, low } = idAt(table, slot);
    copySlot(table, slot, larger, find(larger, kind, high, low));
  }
  return larger;
}
