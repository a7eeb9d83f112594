/** Reads what the gateway must know of a JSON request body as it streams past: model, stream, background, text size. */
import { createChunkWords, useChunk } from "./byte-search.ts";
import type { JsonHandler, JsonKind, JsonScalar } from "./json-handler.ts";
import { JsonMachine } from "./json-machine.ts";
import { compilePaths } from "./json-paths.ts";
import { decodeName, isSpelled } from "./plain-text.ts";

/** A root `stream_options` value and the bytes it takes. */
export interface StreamOptionsValue {
  readonly kind: "object" | "null" | "other";
  /** Offset of its first byte from the start of the body. */
  readonly start: number;
  /** Offset past its last byte; undefined while it is still coming. */
  readonly end: number | undefined;
}

/** What has been read so far. For duplicate root members the last one wins, as in the providers' parsers. */
export interface RequestFacts {
  /** The root `model`, decoded. Absent if there is none, if it is no string, or if it is `modelUnusable`. */
  readonly model: string | undefined;
  /** The root `model` is a string over 256 bytes, not UTF-8, or with control characters. */
  readonly modelUnusable: boolean;
  /** The root `stream` is the literal `true`. */
  readonly stream: boolean;
  /**
   * The root `background` is the literal `true`. Final once `done`: it is known before the closing brace of the
   * document is let go, so a body that says so is never completed upstream.
   */
  readonly background: boolean;
  /** Root `stream_options.include_usage`; absent if it is not a boolean. */
  readonly includeUsage: boolean | undefined;
  /** UTF-8 bytes of all string values, base64 payloads left out. */
  readonly textBytes: number;
  /** The body is an object, as far as it came. */
  readonly isObject: boolean;
  /** The document is closed. */
  readonly done: boolean;
  /** The body begins like UTF-16 or UTF-32, which some providers' parsers read and this scanner does not. */
  readonly unreadable: boolean;
  /** The last root `stream_options`. */
  readonly streamOptions: StreamOptionsValue | undefined;
  /** Offset of the brace that closes the root object; undefined until it came. */
  readonly rootEnd: number | undefined;
}

export interface RequestScanner extends RequestFacts {
  push(chunk: Uint8Array): void;
  /** The body ended. */
  end(): void;
}

const ROOT = 0;
const MODEL = 1;
const STREAM = 2;
const BACKGROUND = 3;
const STREAM_OPTIONS = 4;
const INCLUDE_USAGE = 5;
const TEXT = 6;

const PATHS = compilePaths(
  [
    { path: "", slot: ROOT, wants: ["value"] },
    { path: "model", slot: MODEL, wants: ["value", "string"] },
    { path: "stream", slot: STREAM, wants: ["value", "scalar"] },
    { path: "background", slot: BACKGROUND, wants: ["value", "scalar"] },
    { path: "stream_options", slot: STREAM_OPTIONS, wants: ["value", "string", "scalar"] },
    { path: "stream_options.include_usage", slot: INCLUDE_USAGE, wants: ["value", "scalar"] },
  ],
  { everyText: TEXT },
);

/** @param onStreamOptions called as soon as a root `stream_options` (any of them, if there are several) has ended */
export function createRequestScanner(onStreamOptions?: (value: StreamOptionsValue) => void): RequestScanner {
  return new Scanner(onStreamOptions);
}

/** What a whole body says. Good until the next one is read. */
export function scanWhole(body: Uint8Array): RequestFacts {
  whole.reset();
  whole.push(body);
  whole.end();
  return whole;
}

class Scanner implements RequestScanner, JsonHandler {
  model: string | undefined;
  modelUnusable = false;
  stream = false;
  background = false;
  includeUsage: boolean | undefined;
  textBytes = 0;
  unreadable = false;
  streamOptions: StreamOptionsValue | undefined;
  rootEnd: number | undefined;
  readonly #machine = new JsonMachine(PATHS, this);
  readonly #words = createChunkWords();
  readonly #onStreamOptions: ((value: StreamOptionsValue) => void) | undefined;
  #received = 0;
  isObject = false;
  /** Of an earlier body: the next one mostly names it again. */
  #modelBefore: string | undefined;

  constructor(onStreamOptions?: (value: StreamOptionsValue) => void) {
    this.#onStreamOptions = onStreamOptions;
  }

  get done(): boolean {
    return this.#machine.done;
  }

  /** Ready for another body. */
  reset(): void {
    this.#modelBefore = this.model ?? this.#modelBefore;
    this.model = undefined;
    this.modelUnusable = this.stream = this.background = this.unreadable = this.isObject = false;
    this.includeUsage = undefined;
    this.textBytes = 0;
    this.streamOptions = undefined;
    this.rootEnd = undefined;
    this.#received = 0;
    this.#machine.reset();
  }

  push(chunk: Uint8Array): void {
    if (this.#received < 4) this.#checkEncoding(chunk);
    this.#received += chunk.length;
    useChunk(this.#words, chunk);
    this.#machine.push(this.#words, 0, chunk.length);
    useChunk(this.#words);
  }

  end(): void {
    this.#machine.end();
  }

  /** Python's `json.loads(bytes)` tells UTF-16 and UTF-32 by these (RFC 4627 section 3). */
  #checkEncoding(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length && this.#received + i < 4; i++) {
      const byte = chunk[i]!;
      const isMark = this.#received + i < 2 && byte >= 0xfe;
      if (byte === 0 || isMark) this.unreadable = true;
    }
  }

  value(slot: number, kind: JsonKind): void {
    if (slot === ROOT) this.isObject = kind === "object";
    else if (slot === MODEL) {
      this.model = undefined;
      this.modelUnusable = false;
    } else if (slot === STREAM) this.stream = false;
    else if (slot === BACKGROUND) this.background = false;
    else if (slot === INCLUDE_USAGE) this.includeUsage = undefined;
    else if (slot === STREAM_OPTIONS) {
      this.includeUsage = undefined;
      this.streamOptions = {
        kind: kind === "object" ? "object" : "other",
        start: this.#machine.position,
        end: undefined,
      };
    }
  }

  string(slot: number, bytes: Uint8Array, from: number, to: number): void {
    if (slot === STREAM_OPTIONS) this.#endStreamOptions("other");
    if (slot !== MODEL) return;
    if (to < 0) this.model = undefined;
    else if (isSpelled(this.#modelBefore, bytes, from, to)) this.model = this.#modelBefore;
    else this.model = decodeName(bytes.subarray(from, to));
    this.modelUnusable = this.model === undefined;
  }

  scalar(slot: number, { text }: JsonScalar): void {
    const isTrue = text === "true";
    if (slot === STREAM) this.stream = isTrue;
    else if (slot === BACKGROUND) this.background = isTrue;
    else if (slot === INCLUDE_USAGE) this.includeUsage = isTrue || (text === "false" ? false : undefined);
    else if (slot === STREAM_OPTIONS) this.#endStreamOptions(text === "null" ? "null" : "other");
  }

  text(_slot: number, bytes: number): void {
    this.textBytes += bytes;
  }

  close(slot: number): void {
    if (slot === STREAM_OPTIONS) this.#endStreamOptions(this.streamOptions?.kind ?? "other");
    else if (slot === ROOT && this.isObject) this.rootEnd = this.#machine.position - 1;
  }

  #endStreamOptions(kind: StreamOptionsValue["kind"]): void {
    const value = { kind, start: this.streamOptions?.start ?? 0, end: this.#machine.position };
    this.streamOptions = value;
    this.#onStreamOptions?.(value);
  }
}

/** Whole bodies are read one after the other, in memory that stays warm: one made for each costs as much as it reads. */
const whole = new Scanner();
