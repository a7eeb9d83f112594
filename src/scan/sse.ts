/** Splits an event stream into events, and hands on the bytes of their `data` without keeping any (WHATWG HTML 9.2.6). */
import { type ChunkWords, findEither } from "./byte-search.ts";

export interface SseSink {
  /** Bytes of a `data` field, leading blanks included: JSON takes them, and readers of other data must trim. */
  data(words: ChunkWords, from: number, to: number): void;
  /** Another `data` field of the same event begins: a line feed stands between the two. */
  dataLineBreak(): void;
}

const LF = 0x0a;
const CR = 0x0d;
const DATA = [0x64, 0x61, 0x74, 0x61] as const;

const LINE_START = 0;
/** In a field name that may be `data`. */
const NAME = 1;
const VALUE = 2;
/** In a comment or another field. */
const OTHER = 3;

export class SseSplitter {
  /** Offset in the stream of the first field of the event in progress; -1: none came yet. Comments are no part of it. */
  eventStart = -1;
  /** `data` fields of the event in progress or, just after its end, of the last one. */
  dataLines = 0;
  /** The blank line that ends an event was just read. */
  ended = false;
  readonly #sink: SseSink;
  #state = LINE_START;
  #matched = 0;
  #afterCr = false;
  #lines = 0;

  constructor(sink: SseSink) {
    this.#sink = sink;
  }

  /** No byte of an event or comment stands before the next one to be pushed. */
  get betweenEvents(): boolean {
    return (this.ended || this.#lines === 0) && this.#state === LINE_START && !this.#afterCr;
  }

  /**
   * Reads until an event ends (`ended` is then true) or the chunk does, and returns the index past what was read.
   * @param base offset of the chunk's first byte in the stream
   */
  push(words: ChunkWords, from: number, to: number, base: number): number {
    if (this.ended) this.#beginEvent();
    const { bytes } = words;
    let i = from;
    while (i < to) {
      const byte = bytes[i]!;
      if (this.#afterCr) {
        this.#afterCr = false;
        if (byte === LF) {
          i++;
          continue;
        }
      }
      if (this.#state === LINE_START) {
        i++;
        if (byte !== LF && byte !== CR) this.#beginLine(byte, base + i - 1);
        else {
          this.#afterCr = byte === CR;
          this.ended = true;
          return i;
        }
      } else if (this.#state === NAME) {
        if (this.#inName(byte)) i++;
      } else {
        const end = findEither(words, i, to, LF, CR);
        if (this.#state === VALUE && end > i) this.#sink.data(words, i, end);
        if (end === to) return to;
        this.#afterCr = bytes[end] === CR;
        this.#state = LINE_START;
        i = end + 1;
      }
    }
    return to;
  }

  #beginEvent(): void {
    this.ended = false;
    this.eventStart = -1;
    this.dataLines = 0;
    this.#lines = 0;
  }

  #beginLine(byte: number, offset: number): void {
    const isMark = offset < 3 && byte >= 0x80;
    // A byte order mark is no part of the first line.
    if (isMark) return;
    this.#lines++;
    if (byte === 0x3a) {
      this.#state = OTHER;
      return;
    }
    if (this.eventStart < 0) this.eventStart = offset;
    this.#state = byte === DATA[0] ? NAME : OTHER;
    this.#matched = 1;
  }

  /** Takes a byte of a field name; false: the name ended before it. */
  #inName(byte: number): boolean {
    if (this.#matched < DATA.length) {
      if (byte === DATA[this.#matched]) {
        this.#matched++;
        return true;
      }
      this.#state = OTHER;
      return false;
    }
    const isLineEnd = byte === LF || byte === CR;
    this.#state = byte === 0x3a || isLineEnd ? VALUE : OTHER;
    if (this.#state === VALUE) {
      if (this.dataLines > 0) this.#sink.dataLineBreak();
      this.dataLines++;
    }
    return byte === 0x3a;
  }
}
