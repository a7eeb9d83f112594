/** Reads the events of a metered stream one by one, whole lines by the template of the last one where they are alike. */
import { type ChunkWords, createChunkWords } from "./byte-search.ts";
import { LineTemplates } from "./line-templates.ts";
import { ResponseReader } from "./response-reader.ts";
import { type SseSink, SseSplitter } from "./sse.ts";
import type { Wire } from "./wires.ts";

const LF = 0x0a;
/** Stands between two `data` fields of one event. */
const LINE_BREAK = createChunkWords(new Uint8Array([LF]));
const DONE = [0x5b, 0x44, 0x4f, 0x4e, 0x45, 0x5d] as const;

export class EventStream implements SseSink {
  readonly reader: ResponseReader;
  /** The event that ends a stream of this wire was received whole. */
  complete = false;
  readonly #wire: Wire;
  readonly #answers: number[];
  readonly #splitter = new SseSplitter(this);
  readonly #templates: LineTemplates;
  #versionBefore = 0;
  /** Bytes of `[DONE]` that the data of the event in hand agrees with so far; -1: it is something else. */
  #doneMatched = 0;
  /** Where the last piece of data lies in the chunk in hand. */
  #dataFrom = 0;
  #dataTo = 0;

  /** @param answers takes `[from, to)` of each event that answers `include_usage` */
  constructor(wire: Wire, answers: number[]) {
    this.#wire = wire;
    this.#answers = answers;
    this.reader = new ResponseReader(wire, wire.sse);
    this.#templates = new LineTemplates(wire.sse);
    this.#beginEvent();
  }

  /** Where the event begins that may still turn out to answer `include_usage`; -1: none. */
  get undecidedFrom(): number {
    const { ended, eventStart } = this.#splitter;
    return !ended && eventStart >= 0 && this.reader.verdict !== "show" ? eventStart : -1;
  }

  /** @param base offset of the chunk's first byte in the body */
  push(words: ChunkWords, from: number, to: number, base: number): void {
    let i = from;
    while (i < to) {
      const isWhole = this.#splitter.betweenEvents;
      if (isWhole) i = this.#templates.match(words, i, to, this.reader);
      if (i < to) i = this.#readEvent(words, i, to, base, isWhole);
    }
  }

  /** The body ended. An event without its blank line has its numbers counted, but completes nothing. */
  end(size: number): void {
    if (this.#splitter.ended) return;
    if (this.reader.verdict === "hide") this.#answers.push(this.#splitter.eventStart, size);
    this.reader.end();
  }

  data(words: ChunkWords, from: number, to: number): void {
    this.#dataFrom = from;
    this.#dataTo = to;
    for (let i = from; this.#doneMatched >= 0 && i < to; i++) this.#matchDone(words.bytes[i]!);
    this.reader.push(words, from, to);
  }

  dataLineBreak(): void {
    this.reader.push(LINE_BREAK, 0, 1);
  }

  #readEvent(words: ChunkWords, from: number, to: number, base: number, isWhole: boolean): number {
    const end = this.#splitter.push(words, from, to, base);
    if (this.#splitter.ended) this.#endEvent(words, isWhole ? from : -1, end, base + end);
    return end;
  }

  /** @param from where the event begins in this chunk, or -1 if it began in an earlier one */
  #endEvent(words: ChunkWords, from: number, to: number, offset: number): void {
    const { reader } = this;
    const { dataLines, eventStart } = this.#splitter;
    if (dataLines === 0) return;
    if (reader.verdict === "hide") this.#answers.push(eventStart, offset);
    const { hasText } = reader;
    const isWhole = reader.end();
    if (this.#doneMatched === DONE.length) this.complete ||= this.#wire.endsWithDone;
    else if (isWhole && reader.ends) this.complete = true;
    const onlyText = hasText && isWhole && reader.version === this.#versionBefore;
    // After a lone CR the next byte decides what line it ends: no event to be matched by its bytes alone.
    if (onlyText && from >= 0 && dataLines === 1 && words.bytes[to - 1] === LF) {
      this.#templates.learn(
        words.bytes,
        { from, to, dataFrom: this.#dataFrom, dataTo: this.#dataTo },
        reader,
      );
    }
    this.#beginEvent();
  }

  #beginEvent(): void {
    this.reader.begin();
    this.#versionBefore = this.reader.version;
    this.#doneMatched = 0;
  }

  #matchDone(byte: number): void {
    if (byte <= 0x20) return;
    this.#doneMatched = byte === DONE[this.#doneMatched] ? this.#doneMatched + 1 : -1;
  }
}
