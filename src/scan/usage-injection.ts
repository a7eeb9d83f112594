/** Makes a streamed request ask for its usage: `stream_options.include_usage: true`, without buffering (gateway.md 6). */
import { ByteWindow } from "./byte-window.ts";
import { createRequestScanner, type RequestFacts, type StreamOptionsValue } from "./request-scanner.ts";
import { ASKING_OPTIONS, askInOptions } from "./stream-options.ts";

/** A declared length goes up as this many bytes more: room for the longest edit, the rest of it spaces. */
const INJECTION_BYTES = 64;
/** A `stream_options` object over this passes unchanged. */
const MAX_OPTIONS_BYTES = 4096;

const encoder = new TextEncoder();
const NEW_MEMBER = encoder.encode(`,"stream_options":${new TextDecoder().decode(ASKING_OPTIONS)}`);
/** What edits in place may add together, so that a new member at the close (40 bytes) still has room. */
const IN_PLACE_BYTES = INJECTION_BYTES - NEW_MEMBER.length;
const SPACE = 0x20;
const NO_BYTES = new Uint8Array(0);

/** `body` edited, and whether it asks only because of the edit: then the answer is hidden from the client. */
export interface InjectedBody {
  readonly body: Uint8Array;
  readonly asked: boolean;
}

/**
 * The whole form.
 * @param facts of a scanner that was fed exactly `body` and ended
 * @returns the same `body` if it does not stream, asks already, or cannot be made to ask
 */
export function injectWhole(body: Uint8Array, facts: RequestFacts): InjectedBody {
  const unchanged = { body, asked: false };
  if (!facts.stream || facts.rootEnd === undefined) return unchanged;
  const options = facts.streamOptions;
  if (options === undefined)
    return { body: splice(body, facts.rootEnd, facts.rootEnd, NEW_MEMBER), asked: true };
  const { start, end } = options;
  if (end === undefined) return unchanged;
  const asking = askingValue(options, body.subarray(start, end));
  if (asking === undefined || asking.length - (end - start) > INJECTION_BYTES) return unchanged;
  return { body: splice(body, start, end, asking), asked: true };
}

function askingValue({ kind }: StreamOptionsValue, value: Uint8Array): Uint8Array | undefined {
  if (kind === "null") return ASKING_OPTIONS;
  return kind === "object" && value.length <= MAX_OPTIONS_BYTES ? askInOptions(value) : undefined;
}

function splice(body: Uint8Array, start: number, end: number, insert: Uint8Array): Uint8Array {
  const edited = new Uint8Array(body.length - (end - start) + insert.length);
  edited.set(body.subarray(0, start));
  edited.set(insert, start);
  edited.set(body.subarray(end), start + insert.length);
  return edited;
}

export interface UsageInjector {
  /** What the scanner has read so far. Look at it before sending on what a push returned. */
  readonly facts: RequestFacts;
  /** Length to declare upstream; undefined if none was declared. */
  readonly upstreamLength: number | undefined;
  /** The request streams and asks for usage only because of us. Final at the end of the root object. */
  readonly asked: boolean;
  /** What may go up now: subarrays of the chunk, edits between them. At most 4 KiB of a `stream_options` is held. */
  push(chunk: Uint8Array): readonly Uint8Array[];
  /** The body ended: the rest, and the spaces that fill the declared length. */
  end(): readonly Uint8Array[];
}

/**
 * The streaming form. It edits before it can know whether the request streams: an object is edited as it comes, a
 * `null` only once `stream: true` was seen (else a new member follows at the close, and the last one wins).
 */
export function createUsageInjector(
  options: { readonly declaredLength?: number | undefined } = {},
): UsageInjector {
  return new Injector(options.declaredLength);
}

interface EndedValue {
  readonly kind: StreamOptionsValue["kind"];
  readonly start: number;
  readonly end: number;
  readonly streamSeen: boolean;
}

class Injector implements UsageInjector {
  readonly facts = createRequestScanner((value) => this.#collect(value));
  readonly upstreamLength: number | undefined;
  /** Ended in the chunk in hand. */
  #ended: EndedValue[] = [];
  /** What became of the last `stream_options`: `open` could not be edited in place and still may be outdone. */
  #last: "none" | "edited" | "open" | "final" = "none";
  #grown = 0;
  #sent = 0;
  #appended = false;
  /** Bytes of a `stream_options` in progress, which end where the next chunk begins. */
  #held: Uint8Array = NO_BYTES;
  /** Offset in the body of the next chunk. */
  #offset = 0;

  constructor(declaredLength: number | undefined) {
    this.upstreamLength = declaredLength === undefined ? undefined : declaredLength + INJECTION_BYTES;
  }

  get asked(): boolean {
    return this.facts.stream && (this.#appended || this.#last === "edited");
  }

  push(chunk: Uint8Array): readonly Uint8Array[] {
    const wasDone = this.facts.done;
    this.facts.push(chunk);
    const parts = wasDone ? [chunk] : this.#edit(chunk);
    this.#offset += chunk.length;
    return this.#send(parts);
  }

  end(): readonly Uint8Array[] {
    this.facts.end();
    const parts = this.#send([this.#held]);
    this.#held = NO_BYTES;
    const missing = (this.upstreamLength ?? 0) - this.#sent;
    return missing > 0 ? [...parts, ...this.#send([new Uint8Array(missing).fill(SPACE)])] : parts;
  }

  #collect({ kind, start, end }: StreamOptionsValue): void {
    if (end !== undefined) this.#ended.push({ kind, start, end, streamSeen: this.facts.stream });
  }

  /** The held bytes and the chunk, edited, but for what is to be held now. */
  #edit(chunk: Uint8Array): Uint8Array[] {
    const body = new ByteWindow(this.#held, chunk, this.#offset);
    const parts: Uint8Array[] = [];
    let at = body.from;
    for (const value of this.#ended) {
      const edit = this.#editValue(value, body);
      if (edit === undefined) continue;
      body.take(at, value.start, parts);
      parts.push(edit);
      at = value.end;
    }
    this.#ended = [];
    const { rootEnd } = this.facts;
    if (rootEnd !== undefined && this.#mustAppend()) {
      body.take(at, rootEnd, parts);
      parts.push(NEW_MEMBER);
      at = rootEnd;
      this.#appended = true;
    }
    const holdFrom = Math.max(at, this.#holdFrom(body.to));
    body.take(at, holdFrom, parts);
    this.#held = body.copy(holdFrom);
    return parts;
  }

  #editValue(value: EndedValue, body: ByteWindow): Uint8Array | undefined {
    const { kind, start, end } = value;
    this.#last = "final";
    if (kind === "other" || end - start > MAX_OPTIONS_BYTES) return undefined;
    if (kind === "null" && !value.streamSeen) {
      this.#last = "open";
      return undefined;
    }
    const asking = kind === "null" ? ASKING_OPTIONS : askInOptions(body.copy(start, end));
    if (asking === undefined) return undefined;
    const growth = asking.length - (end - start);
    if (this.#grown + growth > IN_PLACE_BYTES) {
      this.#last = "open";
      return undefined;
    }
    this.#grown += growth;
    this.#last = "edited";
    return asking;
  }

  #mustAppend(): boolean {
    return this.facts.stream && (this.#last === "none" || this.#last === "open");
  }

  /** Where the value begins that has to wait for its end. */
  #holdFrom(end: number): number {
    const value = this.facts.streamOptions;
    if (value === undefined || value.end !== undefined || end - value.start > MAX_OPTIONS_BYTES) return end;
    // Of scalars only `null` is edited, and that only where the stream is known already.
    return value.kind === "object" || this.facts.stream ? value.start : end;
  }

  #send(parts: Uint8Array[]): Uint8Array[] {
    const full = parts.filter((part) => part.length > 0);
    for (const part of full) this.#sent += part.length;
    return full;
  }
}
