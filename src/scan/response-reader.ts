/** Keeps what the documents of one response say: the body of a JSON response, or the events of a stream one by one. */
import type { ChunkWords } from "./byte-search.ts";
import { describeType, type EventType } from "./event-type.ts";
import type { JsonHandler, JsonKind, JsonScalar } from "./json-handler.ts";
import { JsonMachine } from "./json-machine.ts";
import type { PathTrie } from "./json-paths.ts";
import { KeptText } from "./kept-text.ts";
import { decodeName, decodePlain, isSpelled } from "./plain-text.ts";
import {
  type CountingRules,
  countsOf,
  holdsCount,
  mergeValues,
  readMember,
  type UsageCounts,
  type UsageValues,
} from "./usage-block.ts";
import * as slots from "./wires.ts";

/** Bytes of generated text in one document, by slot from `TEXT` on. */
export type TextSizes = [
  text: number,
  textTwin: number,
  reasoning: number,
  reasoningTwin: number,
  delta: number,
];

/** How the usage blocks of a response are counted, and which `type` ends it. */
export type ReadingRules = CountingRules & {
  readonly mergesUsage: boolean;
  readonly endingType: RegExp | undefined;
};

/** JSON has them only where it has white space. */
const LINE_ENDS = /[\r\n]/g;

type Part = "unseen" | "wanted" | "other";

export class ResponseReader implements JsonHandler {
  model: string | undefined;
  responseId: string | undefined;
  serviceTier: string | undefined;
  /** The usage is the provider's last word. */
  final = false;
  error = false;
  parseErrors = 0;
  outputDeltas = 0;
  outputTextBytes = 0;
  #deltasAtUsage = 0;
  /** Counts up with every change of what the response says of itself, generated text and usage aside. */
  version = 0;
  /** `type` of the document in hand. */
  #type: EventType | undefined;
  /** Of an earlier response. */
  #modelBefore: string | undefined;
  #lastType: EventType | undefined;
  readonly #rules: ReadingRules;
  readonly #machine: JsonMachine;
  readonly #texts: TextSizes = [0, 0, 0, 0, 0];
  /** Members of the usage block in hand, and of the last one or, where blocks are merged, of all. */
  #values: UsageValues = [];
  #counted: UsageValues = [];
  #tier: string | undefined;
  readonly #usageText = new KeptText();
  #hasUsage = false;
  #isObject = false;
  /** `object` of the document is `error`. */
  #isErrorObject = false;
  /** `choices` of the document is an empty array, its `usage` an object. */
  #choices: Part = "unseen";
  #usage: Part = "unseen";

  constructor(rules: ReadingRules, paths: PathTrie) {
    this.#rules = rules;
    this.#machine = new JsonMachine(paths, this);
  }

  /** Ready for another response. Of this one nothing is left but the name of its model, which the next one mostly has too. */
  renew(): void {
    this.#modelBefore = this.model ?? this.#modelBefore;
    this.model = this.responseId = this.serviceTier = undefined;
    this.final = this.error = false;
    this.parseErrors = this.outputDeltas = this.outputTextBytes = this.#deltasAtUsage = this.version = 0;
    this.#lastType = undefined;
    clearSizes(this.#texts);
    this.#values = [];
    this.#counted = [];
    this.#tier = undefined;
    this.#usageText.set(undefined);
    this.#hasUsage = false;
    this.begin();
  }

  /** Ready for another document of the same response. */
  begin(): void {
    this.#machine.reset();
    this.#type = undefined;
    this.#isErrorObject = false;
    this.#isObject = true;
    this.#choices = "unseen";
    this.#usage = "unseen";
  }

  push(words: ChunkWords, from: number, to: number): void {
    this.#machine.push(words, from, to);
  }

  /** The document ended, or the body did. True if it was whole. */
  end(): boolean {
    this.#machine.end();
    if (this.#type?.isError || this.#isErrorObject) this.#fail();
    this.addText(this.#texts, this.deltaIsText);
    clearSizes(this.#texts);
    if (this.#hasUsage) this.#deltasAtUsage = this.outputDeltas;
    this.#hasUsage = false;
    return this.#machine.done;
  }

  /** Text came in a later document than the last usage did: where counts run along, these are behind. */
  get textSinceUsage(): boolean {
    return this.outputDeltas > this.#deltasAtUsage;
  }

  /** Whether any text was counted in the document in hand. */
  get hasText(): boolean {
    const [text, textTwin, reasoning, reasoningTwin, delta] = this.#texts;
    return text + textTwin + reasoning + reasoningTwin + delta > 0;
  }

  /** What stands at a root `delta` of the document in hand is text. */
  get deltaIsText(): boolean {
    return this.#type?.deltaIsText !== false;
  }

  /** The document in hand is one that ends a stream. */
  get ends(): boolean {
    return this.#type?.ends === true;
  }

  /** Counts the text of one document. What is sent under two names counts once. */
  addText(sizes: Readonly<TextSizes>, deltaIsText: boolean): void {
    const bytes = Math.max(sizes[0], sizes[1]) + Math.max(sizes[2], sizes[3]) + (deltaIsText ? sizes[4] : 0);
    if (bytes === 0) return;
    this.outputDeltas++;
    this.outputTextBytes += bytes;
  }

  /** What a filter may do with the event in hand: the answer to `include_usage` has empty `choices` and a usage object. */
  get verdict(): "show" | "hide" | "undecided" {
    if (!this.#isObject || this.#machine.trailed || this.#choices === "other" || this.#usage === "other")
      return "show";
    if (!this.#machine.done) return "undecided";
    return this.#choices === "wanted" && this.#usage === "wanted" ? "hide" : "show";
  }

  /** The last usage object as it came, on one line, and parsed; undefined if there was none, or over 2 KiB of it, or no JSON. */
  usageJson(): { readonly text: string; readonly value: unknown } | undefined {
    const { text } = this.#usageText;
    if (text === undefined) return undefined;
    try {
      return { value: JSON.parse(text), text: text.replace(LINE_ENDS, " ") };
    } catch {
      return undefined;
    }
  }

  value(slot: number, kind: JsonKind): void {
    if (slot === slots.ROOT) this.#isObject = kind === "object";
    else if (slot === slots.ERROR && kind !== "scalar") this.#fail();
    else if (slot === slots.CHOICES) this.#choices = narrow(this.#choices, kind === "array");
    else if (slot === slots.CHOICE) this.#choices = "other";
    else if (slot === slots.USAGE || slot === slots.INNER_USAGE) this.#beginUsage(slot, kind);
    else if (slot >= slots.USAGE_MEMBER && kind !== "scalar") this.#setMember(slot, Number.NaN);
  }

  scalar(slot: number, scalar: JsonScalar): void {
    if (slot >= slots.USAGE_MEMBER) {
      this.#setMember(slot, readMember(slot - slots.USAGE_MEMBER, scalar));
    } else if (slot === slots.ERROR) {
      if (scalar.text !== "null") this.#fail();
    } else if (scalar.text !== "null") {
      this.#flag();
    }
  }

  string(slot: number, bytes: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    if (slot === slots.TYPE) this.#setType(bytes, from, to);
    else if (slot === slots.OBJECT) this.#isErrorObject = isSpelled("error", bytes, from, to);
    else if (slot === slots.MODEL) this.#setModel(bytes, from, to);
    else if (slot === slots.USAGE_TIER) this.#tier = decodePlain(bytes.subarray(from, to));
    else if (slot === slots.RESPONSE_ID) this.#read("responseId", decodePlain, bytes, from, to);
    else if (slot === slots.SERVICE_TIER) this.#read("serviceTier", decodePlain, bytes, from, to);
  }

  text(slot: number, bytes: number): void {
    const index = slot - slots.TEXT;
    this.#texts[index] = (this.#texts[index] ?? 0) + bytes;
  }

  close(slot: number): void {
    if (slot !== slots.USAGE && slot !== slots.INNER_USAGE) return;
    const values = this.#rules.mergesUsage ? mergeValues(this.#counted, this.#values) : this.#values;
    if (!holdsCount(values)) return;
    this.#hasUsage = true;
    this.#counted = values;
    this.#usageText.set(this.#machine.spanText);
    this.final ||= slot === slots.USAGE || !this.#rules.mergesUsage;
    this.#say("serviceTier", this.#tier);
  }

  /**
   * The usage at `bytes[from, to)` of a document whose text was just added, and which is like an earlier one but for
   * its counts: what else a usage says was said then.
   */
  takeUsage(values: UsageValues, bytes: Uint8Array, from: number, to: number): void {
    this.#counted = this.#rules.mergesUsage ? mergeValues(this.#counted, values) : values;
    this.#usageText.keep(bytes, from, to);
    this.#deltasAtUsage = this.outputDeltas;
  }

  /** Counts of the usage so far; undefined if no block came that counts. */
  get usage(): UsageCounts | undefined {
    return countsOf(this.#counted, this.#rules);
  }

  #setType(bytes: Uint8Array, from: number, to: number): void {
    if (!isSpelled(this.#lastType?.name, bytes, from, to)) {
      const name = decodeName(bytes.subarray(from, to));
      this.#lastType = name === undefined ? undefined : describeType(name, this.#rules.endingType);
    }
    this.#type = this.#lastType;
  }

  #setModel(bytes: Uint8Array, from: number, to: number): void {
    if (isSpelled(this.#modelBefore, bytes, from, to)) this.#say("model", this.#modelBefore);
    else this.#read("model", decodeName, bytes, from, to);
  }

  /** Nearly every event names the same model and id again. */
  #read(
    fact: "model" | "responseId" | "serviceTier",
    decode: (bytes: Uint8Array) => string | undefined,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): void {
    if (!isSpelled(this[fact], bytes, from, to)) this.#say(fact, decode(bytes.subarray(from, to)));
  }

  #say(fact: "model" | "responseId" | "serviceTier", value: string | undefined): void {
    if (value === undefined || value === this[fact]) return;
    this[fact] = value;
    this.version++;
  }

  #beginUsage(slot: number, kind: JsonKind): void {
    this.#values = [];
    this.#tier = undefined;
    if (slot === slots.USAGE) this.#usage = narrow(this.#usage, kind === "object");
    if (kind === "string" || kind === "array") this.#flag();
  }

  #setMember(slot: number, value: number | null): void {
    if (Number.isNaN(value)) this.#flag();
    this.#values[slot - slots.USAGE_MEMBER] = value;
  }

  #flag(): void {
    this.parseErrors++;
    this.version++;
  }

  #fail(): void {
    this.error = true;
    this.version++;
  }
}

/** `fill` on five numbers costs more than the rest of a short event. */
export function clearSizes(sizes: TextSizes): void {
  sizes[0] = sizes[1] = sizes[2] = sizes[3] = sizes[4] = 0;
}

/** An event that was shown once stays so, even if the member comes again: its first bytes are with the client by then. */
function narrow(part: Part, isWanted: boolean): Part {
  return isWanted && part !== "other" ? "wanted" : "other";
}
