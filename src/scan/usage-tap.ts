/** Meters one response as it passes: model, usage as the wire reports it, and the size of the text for estimates. */
import { createChunkWords, useChunk } from "./byte-search.ts";
import { EventStream } from "./event-stream.ts";
import { giveJsonBody, JsonBody, takeJsonBody } from "./json-body.ts";
import { isBlank, MAX_HEAD_BYTES, sniffSse } from "./sse-sniff.ts";
import type { UsageCounts } from "./usage-block.ts";
import type { Wire } from "./wires.ts";

export interface UsageTapOptions {
  readonly wire: Wire;
  /** What the content type says; undefined: nothing. The first bytes decide where they are clear. */
  readonly sse: boolean | undefined;
  /** HTTP status of the response. */
  readonly status: number;
}

export interface TapResult {
  readonly sse: boolean;
  /** As the response names it: UTF-8 of up to 256 bytes without control characters. */
  readonly model: string | undefined;
  /** Printable ASCII of up to 128 bytes, as the tier is. */
  readonly responseId: string | undefined;
  readonly serviceTier: string | undefined;
  /** Undefined: no usage block came. Empty: one came that counts something else than tokens. */
  readonly usage: UsageCounts | undefined;
  /** False while only the opening block of a message came, which knows the input and not the output. */
  readonly final: boolean;
  /** More generated text came after the last usage block. */
  readonly textSinceUsage: boolean;
  /** The provider's own object, the last one, as one line of JSON of up to 2 KiB. */
  readonly usageText: string | undefined;
  /** `usageText` as it was parsed to see that it is JSON. */
  readonly usageValue: unknown;
  /** The protocol's own end was received. */
  readonly complete: boolean;
  /** An error status, document or event. */
  readonly error: boolean;
  /** Documents (events, or the one body) with generated text in them. */
  readonly outputDeltas: number;
  /** UTF-8 bytes of generated text. */
  readonly outputTextBytes: number;
  /** Members of usage blocks that were no counts. */
  readonly parseErrors: number;
}

/** Events that the filter may hide, as offsets from the start of the body. */
interface TapEvents {
  /** `[from, to)` in pairs: events of the last chunk that answer `include_usage`. */
  readonly answers: readonly number[];
  /** Where the bytes begin that may still turn out to be one; -1: none. */
  readonly undecidedFrom: number;
}

export interface UsageTap {
  push(chunk: Uint8Array): void;
  /** The body ended, cleanly or not. */
  end(): void;
  result(): TapResult;
  /** Nothing more is asked of it, and nothing more is pushed. */
  release(): void;
  readonly events: TapEvents;
}

/** A tap for one response. It keeps no bytes of it but the few that the result holds. */
export function createUsageTap(options: UsageTapOptions): UsageTap {
  return new Tap(options);
}

const NO_BYTES = new Uint8Array(0);

class Tap implements UsageTap {
  readonly #options: UsageTapOptions;
  readonly #words = createChunkWords();
  readonly #answers: number[] = [];
  #body: EventStream | JsonBody | undefined;
  /** First bytes that are not blank, while they do not say yet what the body is. */
  #head: Uint8Array = NO_BYTES;
  #offset = 0;

  constructor(options: UsageTapOptions) {
    this.#options = options;
  }

  get events(): TapEvents {
    const sniffingFrom = this.#head.length > 0 ? this.#offset - this.#head.length : -1;
    return { answers: this.#answers, undecidedFrom: this.#body ? this.#body.undecidedFrom : sniffingFrom };
  }

  push(chunk: Uint8Array): void {
    this.#answers.length = 0;
    const from = this.#body ? 0 : this.#sniff(chunk);
    if (this.#body) this.#read(chunk, from, this.#offset);
    this.#offset += chunk.length;
  }

  end(): void {
    this.#answers.length = 0;
    if (!this.#body && this.#head.length > 0) this.#open(this.#options.sse === true, this.#head);
    this.#body?.end(this.#offset);
  }

  result(): TapResult {
    const { sse, status } = this.#options;
    const body = this.#body ?? new JsonBody(this.#options.wire);
    const { reader } = body;
    const usage = reader.usageJson();
    return {
      sse: this.#body ? this.#body instanceof EventStream : sse === true,
      model: reader.model,
      responseId: reader.responseId,
      serviceTier: reader.serviceTier,
      usage: reader.usage,
      final: reader.final,
      textSinceUsage: reader.textSinceUsage,
      usageText: usage?.text,
      usageValue: usage?.value,
      complete: body.complete,
      error: reader.error || status >= 400,
      outputDeltas: reader.outputDeltas,
      outputTextBytes: reader.outputTextBytes,
      parseErrors: reader.parseErrors,
    };
  }

  release(): void {
    if (this.#body instanceof JsonBody) giveJsonBody(this.#body);
    this.#body = undefined;
  }

  /** Opens the body if its first bytes say what it is. Returns the index of this chunk to read on from. */
  #sniff(chunk: Uint8Array): number {
    let from = 0;
    if (this.#head.length === 0) while (from < chunk.length && isBlank(chunk[from]!)) from++;
    const first = chunk[from];
    if (this.#head.length === 0 && (first === 0x7b || first === 0x5b)) {
      this.#open(false, NO_BYTES);
      return from;
    }
    const earlier = this.#head;
    const more = chunk.subarray(from, from + MAX_HEAD_BYTES);
    const head = new Uint8Array(earlier.length + more.length);
    head.set(earlier);
    head.set(more, earlier.length);
    const sse = sniffSse(head, this.#options.sse);
    if (sse === undefined) this.#head = head;
    else this.#open(sse, earlier);
    return from;
  }

  #open(sse: boolean, head: Uint8Array): void {
    const { wire } = this.#options;
    this.#body = sse ? new EventStream(wire, this.#answers) : takeJsonBody(wire);
    this.#read(head, 0, this.#offset - head.length);
    this.#head = NO_BYTES;
  }

  #read(chunk: Uint8Array, from: number, offset: number): void {
    useChunk(this.#words, chunk);
    this.#body?.push(this.#words, from, chunk.length, offset);
    useChunk(this.#words);
  }
}
