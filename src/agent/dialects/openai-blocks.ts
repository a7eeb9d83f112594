/** Makes blocks of an OpenAI answer: this wire streams text, reasoning and parts of calls, and marks no block's end. */
import { asObject, asString, type JsonObject } from "../json.ts";
import type { StreamEvent } from "../types.ts";
import { count } from "../usage.ts";

type Prose = "text" | "thinking";

interface Call {
  readonly index: number;
  id: string;
  name: string;
  started: boolean;
}

/** Prose and calls share one run of block indices. A call stays open to the end, since calls may come interleaved. */
export class OpenAiBlocks {
  #next = 0;
  #prose: { readonly kind: Prose; readonly index: number } | undefined;
  /** The latest call at each of the wire's indices. */
  readonly #calls = new Map<number, Call>();
  readonly #openCalls: Call[] = [];

  get hasCalls(): boolean {
    return this.#openCalls.length > 0;
  }

  /** Goes on with the open prose block, or begins one if that is of the other kind. */
  *prose(kind: Prose, text: string): Generator<StreamEvent> {
    if (text === "") return;
    if (this.#prose?.kind !== kind) yield* this.#endProse();
    this.#prose ??= { kind, index: this.#next++ };
    yield { type: kind === "text" ? "text_delta" : "thinking_delta", index: this.#prose.index, text };
  }

  /**
   * One element of `tool_calls`; its `position` in the list counts where it has no `index`. A call starts with its name,
   * which may come after the id, or else with its first arguments.
   */
  *callPart(part: JsonObject, position: number): Generator<StreamEvent> {
    const at = count(part.index) ?? position;
    const fn = asObject(part.function) ?? {};
    const id = asString(part.id) ?? "";
    const known = this.#calls.get(at);
    const call = known && !isAnother(known.id, id) ? known : yield* this.#newCall(at);
    const partial_json = argumentsText(fn.arguments);
    if (!call.started) {
      call.id ||= id;
      call.name = asString(fn.name) ?? "";
      if (call.name !== "" || partial_json) yield startOf(call);
    }
    if (partial_json) yield { type: "input_json_delta", index: call.index, partial_json };
  }

  /** Ends all blocks. */
  *end(): Generator<StreamEvent> {
    yield* this.#endProse();
    for (const call of this.#openCalls) {
      if (!call.started) yield startOf(call);
      yield { type: "content_block_stop", index: call.index };
    }
  }

  *#newCall(at: number): Generator<StreamEvent, Call> {
    yield* this.#endProse();
    const call: Call = { index: this.#next++, id: "", name: "", started: false };
    this.#calls.set(at, call);
    this.#openCalls.push(call);
    return call;
  }

  *#endProse(): Generator<StreamEvent> {
    const prose = this.#prose;
    this.#prose = undefined;
    if (prose) yield { type: "content_block_stop", index: prose.index };
  }
}

function startOf(call: Call): StreamEvent {
  call.started = true;
  return { type: "tool_use_start", index: call.index, id: call.id, name: call.name };
}

/** Another id at the same index is another call (Gemini's OpenAI-compatible API sends such). */
function isAnother(known: string, id: string): boolean {
  return id !== "" && known !== "" && id !== known;
}

/** Arguments are a JSON string on this wire; a speaker that sends the object itself is understood. */
function argumentsText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
