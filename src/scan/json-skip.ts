/** Runs over an object or array that holds no known place: an integer depth, and, where wanted, the size of its strings. */
import type { ChunkWords } from "./byte-search.ts";
import { DATA_PREFIX_BYTES, isDataName, isDataUri } from "./data-prefix.ts";
import { QUOTE } from "./json-bytes.ts";
import type { StringDecoder } from "./json-string.ts";
import { type LongPass, openLongPass } from "./long-strings/long-pass.ts";
import { StringPasser } from "./string-passer.ts";

const SHORT_STRING_BYTES = 32;
/** A subtree's first bytes are read here: most end within them, and to start the SIMD pass costs more. */
const LONG_BYTES = 1024;

/** What a byte outside strings means here. */
const NOTHING = 0;
const A_QUOTE = 1;
const AN_OPENER = 2;
const A_CLOSER = 3;
const A_COLON = 4;
const A_COMMA = 5;
const KINDS = new Uint8Array(256);
for (const [characters, kind] of [
  ['"', A_QUOTE],
  ["{[", AN_OPENER],
  ["}]", A_CLOSER],
  [":", A_COLON],
  [",", A_COMMA],
] as const) {
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind;
}
const STRING_ENDS = new Uint8Array(256);
STRING_ENDS[QUOTE] = 1;
STRING_ENDS[0x5c] = 1;

export class SubtreeSkipper {
  /** The closer of the subtree was seen. */
  closed = false;
  readonly #onText: (bytes: number) => void;
  readonly #countsDataUris: boolean;
  readonly #whole = new StringPasser();
  #long: LongPass | undefined;
  readonly #string: StringDecoder;
  #counts = false;
  #depth = 0;
  #inString = false;
  /** Bytes of the last string: a value's if no colon follows, else a name's. */
  #pending = 0;
  #pendingIsData = false;
  /** The value that is due stands under a name `data`. */
  #underData = false;

  /**
   * @param string not in use outside the subtree
   * @param onText called with the decoded size of each string value of a subtree that counts
   */
  constructor(string: StringDecoder, onText: (bytes: number) => void, countsDataUris: boolean) {
    this.#string = string;
    this.#onText = onText;
    this.#countsDataUris = countsDataUris;
  }

  /** Begins just inside an object or array. */
  begin(counts: boolean): void {
    this.closed = false;
    this.#counts = counts;
    this.#depth = 1;
    this.#inString = false;
    this.#pending = 0;
    this.#pendingIsData = false;
    this.#underData = false;
  }

  /** Returns the index past what belongs to the subtree: past its closer, or `to`. */
  push(words: ChunkWords, from: number, to: number): number {
    const { bytes } = words;
    const counts = this.#counts;
    let i = this.#plain(words, this.#inString ? this.#goOn(words, from, to) : from, to);
    while (i < to) {
      const kind = KINDS[bytes[i]!]!;
      i++;
      if (kind === NOTHING) continue;
      if (kind === A_QUOTE) {
        i = counts ? this.#counted(words, i, to) : this.#uncounted(words, i, to);
        continue;
      }
      if (counts) this.#classify(kind);
      if (kind === AN_OPENER) this.#depth++;
      else if (kind === A_CLOSER && --this.#depth === 0) {
        this.closed = true;
        return i;
      }
    }
    return to;
  }

  /** The document ended inside the subtree. */
  end(): void {
    if (this.#inString) this.#pending = this.#isPayload() ? 0 : this.#string.size;
    if (this.#pending > 0) this.#report();
  }

  #uncounted(words: ChunkWords, from: number, to: number): number {
    this.#string.skip();
    this.#inString = true;
    return this.#goOn(words, from, to);
  }

  /**
   * Nearly all strings of dense JSON are short, whole and without escapes: those are told names or values on the
   * spot. Measured: dense JSON at twice the speed of the general way.
   */
  #counted(words: ChunkWords, from: number, to: number): number {
    if (this.#pending > 0) this.#report();
    this.#pendingIsData = false;
    const reached = this.#plain(words, from - 1, to);
    if (reached >= from) return reached;
    const { bytes } = words;
    const near = Math.min(from + SHORT_STRING_BYTES, to - 1);
    let i = from;
    while (i < near && STRING_ENDS[bytes[i]!] === 0) i++;
    if (i >= near || bytes[i] !== QUOTE) return this.#oddString(words, from, to);
    const size = i - from;
    const isName = bytes[i + 1] === 0x3a;
    if (isName) this.#underData = !this.#countsDataUris && isDataName(bytes, from, size);
    else this.#hold(size, bytes, from);
    return isName ? i + 2 : i + 1;
  }

  /** Passes what holds nothing odd, if it is long. Returns the index past it. */
  #plain(words: ChunkWords, from: number, to: number): number {
    if (to - from <= LONG_BYTES || !this.#counts || this.#countsDataUris) return from;
    if (this.#pending > 0 || this.#pendingIsData || this.#underData) return from;
    this.#long ??= openLongPass();
    const reached = this.#long.skip(words, from, to, this.#depth);
    this.#depth = this.#long.depth;
    if (this.#long.text > 0) this.#onText(this.#long.text);
    return reached;
  }

  #oddString(words: ChunkWords, from: number, to: number): number {
    const end = this.#whole.pass(words, from, to);
    const { size, plain, reached } = this.#whole;
    const isPlain = plain >= DATA_PREFIX_BYTES;
    if (end >= 0 && (plain === size || isPlain)) {
      this.#hold(size, words.bytes, from);
      return end + 1;
    }
    this.#inString = true;
    if (isPlain) this.#string.resume(DATA_PREFIX_BYTES, size, words.bytes, from);
    else this.#string.begin(DATA_PREFIX_BYTES);
    return this.#goOn(words, isPlain ? reached : from, to);
  }

  #goOn(words: ChunkWords, from: number, to: number): number {
    const end = this.#string.push(words, from, to);
    if (this.#string.closed) {
      this.#inString = false;
      if (this.#counts) this.#hold(this.#string.size, this.#string.kept, 0);
    }
    return end;
  }

  #hold(size: number, bytes: Uint8Array, at: number): void {
    const isPayload = !this.#countsDataUris && (this.#underData || isDataUri(bytes, at, size));
    this.#pending = isPayload ? 0 : size;
    this.#pendingIsData = isDataName(bytes, at, size);
    this.#underData = false;
  }

  #isPayload(): boolean {
    const { kept, size } = this.#string;
    return !this.#countsDataUris && (this.#underData || isDataUri(kept, 0, size));
  }

  /** What follows a string: a colon makes it a name. */
  #classify(kind: number): void {
    this.#underData = kind === A_COLON && this.#pendingIsData && !this.#countsDataUris;
    if (kind === A_COLON) this.#pending = 0;
    else if (this.#pending > 0) this.#report();
    this.#pendingIsData = false;
  }

  #report(): void {
    this.#onText(this.#pending);
    this.#pending = 0;
  }
}
