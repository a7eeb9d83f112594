/** Decodes the inside of a JSON string as it streams: counts its UTF-8 bytes and keeps the first few. */
import { type ChunkWords, findEither } from "./byte-search.ts";
import { BACKSLASH, hexDigit, QUOTE } from "./json-bytes.ts";
import { StringPasser } from "./string-passer.ts";

/** Room for names and most values, taken when one has to be kept. V8 keeps arrays of up to 64 bytes on its heap; larger ones cost half a microsecond each. */
const FIRST_BYTES = 64;
const NO_BYTES = new Uint8Array(0);
const SKIPPED = -1;
const NO_ESCAPE = 0;
const AFTER_BACKSLASH = 5;
/** Decoded bytes of the two-character escapes, by their second character; 0: not one of them. */
const SHORT_ESCAPES = new Uint8Array(256);
for (const [name, byte] of [
  ['"', 0x22],
  ["\\", 0x5c],
  ["/", 0x2f],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
] as const) {
  SHORT_ESCAPES[name.charCodeAt(0)] = byte;
}

/** One string at a time: `begin` (or `skip`), then `push` until `closed`. */
export class StringDecoder {
  /** The closing quote was seen. */
  closed = false;
  /** Decoded bytes so far, kept or not. Half a surrogate pair counts as the three bytes of U+FFFD. */
  size = 0;
  /** Half a surrogate pair was seen: the string is no Unicode text. */
  broken = false;
  /** The first `min(size, limit)` decoded bytes. */
  kept = NO_BYTES;
  readonly #capacity: number;
  /** Goes on where no byte is kept any more. */
  readonly #passer = new StringPasser();
  #limit = 0;
  /** 0: none; 5: after a backslash; 4 to 1: hex digits of a `\u` still due. */
  #escape = NO_ESCAPE;
  #unit = 0;
  /** The unit just before, if it was the first half of a surrogate pair. */
  #high = 0;

  /** @param capacity most bytes that any string will keep */
  constructor(capacity: number) {
    // Room for one code point past the limit, so that the last one needs no check of its own.
    this.#capacity = capacity + 4;
  }

  begin(limit: number): void {
    this.closed = false;
    this.size = 0;
    this.broken = false;
    this.#limit = limit;
    this.#escape = NO_ESCAPE;
    this.#high = 0;
  }

  /**
   * Begins in the middle of a string: `size` decoded bytes of it were passed, and its first `limit` stand undecoded at
   * `bytes[from]`.
   */
  resume(limit: number, size: number, bytes: Uint8Array, from: number): void {
    this.begin(limit);
    this.#literal(bytes, from, from + limit);
    this.size = size;
  }

  /** Begins a string that nobody wants: only its quotes and backslashes matter, and `size` stays 0. */
  skip(): void {
    this.begin(SKIPPED);
  }

  /** Returns the index past what belongs to the string: past its closing quote, or `to`. */
  push(words: ChunkWords, from: number, to: number): number {
    if (this.#limit === SKIPPED) return this.#pushSkipped(words, from, to);
    const { bytes } = words;
    let i = from;
    while (i < to) {
      if (this.#escape !== NO_ESCAPE) {
        if (this.#escaped(bytes[i]!)) i++;
        continue;
      }
      if (this.size >= this.#limit && this.#high === 0) {
        i = this.#passOn(words, i, to);
        if (this.closed) return i;
        continue;
      }
      const end = findEither(words, i, to, QUOTE, BACKSLASH);
      if (end > i) this.#literal(bytes, i, end);
      if (end === to) return to;
      i = end + 1;
      if (bytes[end] === QUOTE) {
        if (this.#high !== 0) this.broken = true;
        this.closed = true;
        return i;
      }
      if (i < to && bytes[i] !== 0x75 && this.#high === 0) {
        this.#write(SHORT_ESCAPES[bytes[i]!] || bytes[i]!);
        i++;
      } else {
        this.#escape = AFTER_BACKSLASH;
      }
    }
    return to;
  }

  #passOn(words: ChunkWords, from: number, to: number): number {
    const end = this.#passer.pass(words, from, to);
    const { size, reached } = this.#passer;
    this.size += size;
    if (end >= 0) this.closed = true;
    else if (reached < to) this.#escape = AFTER_BACKSLASH;
    return reached < to ? reached + 1 : to;
  }

  #pushSkipped(words: ChunkWords, from: number, to: number): number {
    let i = from;
    if (this.#escape !== NO_ESCAPE && i < to) {
      this.#escape = NO_ESCAPE;
      i++;
    }
    while (i < to) {
      if (this.#passer.pass(words, i, to) >= 0) {
        this.closed = true;
        return this.#passer.reached + 1;
      }
      if (this.#passer.reached === to) return to;
      i = this.#passer.reached + 2;
    }
    if (i > to) this.#escape = AFTER_BACKSLASH;
    return to;
  }

  #literal(bytes: Uint8Array, from: number, to: number): void {
    const room = this.#limit - this.size;
    if (room > 0) {
      const stop = to - from < room ? to : from + room;
      let at = this.size;
      if (at + stop - from > this.kept.length) this.#grow(at + stop - from);
      for (let i = from; i < stop; i++) this.kept[at++] = bytes[i]!;
    }
    this.size += to - from;
    if (this.#high !== 0) this.#breakPair();
  }

  /** Takes one byte of an escape; false: the escape was malformed and the byte is none of it. */
  #escaped(byte: number): boolean {
    if (this.#escape === AFTER_BACKSLASH) {
      if (byte === 0x75) {
        this.#escape = 4;
        this.#unit = 0;
        return true;
      }
      this.#escape = NO_ESCAPE;
      this.#emit(SHORT_ESCAPES[byte] || byte);
      return true;
    }
    const digit = hexDigit(byte);
    if (digit < 0) {
      this.#escape = NO_ESCAPE;
      this.broken = true;
      return false;
    }
    this.#unit = this.#unit * 16 + digit;
    this.#escape--;
    if (this.#escape === NO_ESCAPE) this.#emit(this.#unit);
    return true;
  }

  #emit(unit: number): void {
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (isLow && this.#high !== 0) {
      // The first half was counted as three bytes; the pair has four.
      this.size -= 3;
      this.#write(0x10000 + ((this.#high - 0xd800) << 10) + (unit - 0xdc00));
      this.#high = 0;
      return;
    }
    if (this.#high !== 0) this.#breakPair();
    if (isLow) this.broken = true;
    this.#high = unit >= 0xd800 && unit <= 0xdbff ? unit : 0;
    this.#write(unit >= 0xd800 && unit <= 0xdfff ? 0xfffd : unit);
  }

  #grow(size: number): void {
    const larger = new Uint8Array(size <= FIRST_BYTES ? FIRST_BYTES : this.#capacity);
    larger.set(this.kept);
    this.kept = larger;
  }

  #breakPair(): void {
    this.broken = true;
    this.#high = 0;
  }

  #write(codePoint: number): void {
    const bytes = codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    if (this.size < this.#limit) {
      if (this.size + bytes > this.kept.length) this.#grow(this.size + bytes);
      let rest = codePoint;
      for (let i = bytes - 1; i > 0; i--) {
        this.kept[this.size + i] = 0x80 | (rest & 0x3f);
        rest >>= 6;
      }
      this.kept[this.size] = bytes === 1 ? rest : LEADS[bytes]! | rest;
    }
    this.size += bytes;
  }
}

/** Leading byte of a UTF-8 sequence, by its length. */
const LEADS = [0, 0, 0xc0, 0xe0, 0xf0];
