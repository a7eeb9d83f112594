/**
 * The shape of an event that held nothing but generated text, and perhaps usage: an event with the same bytes outside
 * its holes has the same effect but for the size of the text and the counts, so it need not be parsed. Holes are
 * strings and numbers that no rule wants, counted text, counts of usage, and blanks before the last brace; whatever
 * else is wanted (model, type…) is part of the shape.
 */
import { BACKSLASH, QUOTE } from "./json-bytes.ts";
import { createNode, memberOf, type PathNode, type PathTrie } from "./json-paths.ts";
import { USAGE_MEMBER } from "./wires.ts";

export const LITERAL = 0;
/** A string that nobody wants, between its quotes. */
const STRING = 1;
/** A counted string; the slot of its text is the step's `slot`. */
export const TEXT = 2;
export const NUMBER = 3;
/** Spaces, or none. */
export const BLANKS = 4;
/** A count in a usage object; which one is the step's `slot`. */
export const COUNT = 5;
/** Where a usage object begins and ends: steps without bytes. */
export const USAGE_FROM = 6;
export const USAGE_TO = 7;

/** Numbers a step takes in `LineTemplate.steps`: kind, slot, and where its bytes begin and end in the template. */
export const STEP_SIZE = 4;

export interface LineTemplate {
  readonly steps: Int32Array;
  readonly view: DataView;
  readonly hasUsage: boolean;
}

/** Where an event lies in a chunk, and the data of its one `data` field. */
export interface EventExtent {
  readonly from: number;
  readonly to: number;
  readonly dataFrom: number;
  readonly dataTo: number;
}

const MAX_EVENT_BYTES = 2048;
const MAX_DEPTH = 16;

/**
 * Undefined if the event is too long, too deep, no plain JSON, or holds what a shape cannot tell.
 * @param numbersVary whether numbers that nobody wants are holes; in few streams do any change
 */
export function compileTemplate(
  trie: PathTrie,
  bytes: Uint8Array,
  event: EventExtent,
  numbersVary: boolean,
): LineTemplate | undefined {
  if (event.to - event.from > MAX_EVENT_BYTES) return undefined;
  // Not `bytes.slice`: Node's Buffer overrides it with a view of the same memory.
  const own = new Uint8Array(event.to - event.from);
  own.set(bytes.subarray(event.from, event.to));
  const compiler = new Compiler(own, event.dataFrom - event.from, event.dataTo - event.from, numbersVary);
  if (!compiler.document(trie.root)) return undefined;
  return {
    steps: Int32Array.from(compiler.steps),
    view: new DataView(own.buffer),
    hasUsage: compiler.hasUsage,
  };
}

/** A strict descent over one short document. Every method returns false where the document is not to be templated. */
class Compiler {
  readonly steps: number[] = [];
  hasUsage = false;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #numbersVary: boolean;
  #at: number;
  /** First byte that no step covers yet. */
  #literalFrom = 0;

  constructor(bytes: Uint8Array, from: number, to: number, numbersVary: boolean) {
    this.#bytes = bytes;
    this.#numbersVary = numbersVary;
    this.#at = from;
    this.#end = to;
  }

  document(root: PathNode): boolean {
    this.#blanks();
    if (!this.#value(root, 0)) return false;
    this.#blanks();
    if (this.#at !== this.#end) return false;
    this.#literal(this.#bytes.length);
    return true;
  }

  #value(node: PathNode | undefined, depth: number): boolean {
    const byte = this.#byte();
    if (byte === 0x7b) return node?.span ? this.#usage(node, depth) : this.#container(node, depth, 0x7d);
    if (byte === 0x5b) return this.#container(node, depth, 0x5d);
    if (byte === QUOTE) return this.#string(node);
    return this.#scalar(node);
  }

  /** One for an event. Without a count in it, it is something else. */
  #usage(node: PathNode, depth: number): boolean {
    if (this.hasUsage) return false;
    this.#holeAt(USAGE_FROM, this.#at, this.#at, -1);
    if (!this.#container(node, depth, 0x7d)) return false;
    this.#holeAt(USAGE_TO, this.#at, this.#at, -1);
    return this.hasUsage;
  }

  #container(node: PathNode | undefined, depth: number, closer: number): boolean {
    const isObject = closer === 0x7d;
    // Strings of all depths are not told from names here.
    if (depth === MAX_DEPTH || node?.texts) return false;
    this.#at++;
    this.#blanks();
    if (this.#take(closer)) return true;
    let blanksFrom = this.#at;
    do {
      this.#blanks();
      const child = isObject ? this.#member(node) : (node?.item ?? node?.rest);
      if (child === NOT_PLAIN || !this.#value(child, depth + 1)) return false;
      blanksFrom = this.#at;
      this.#blanks();
    } while (this.#take(0x2c));
    // Anthropic pads its events with a random run of blanks before the last brace.
    if (depth === 0) this.#holeAt(BLANKS, blanksFrom, this.#at, -1);
    return this.#take(closer);
  }

  /** Reads a name and its colon. Gives the place of the value. */
  #member(node: PathNode | undefined): PathNode | undefined {
    const from = this.#at + 1;
    if (this.#byte() !== QUOTE) return NOT_PLAIN;
    let to = from;
    while (to < this.#end && this.#bytes[to] !== QUOTE && this.#bytes[to] !== BACKSLASH) to++;
    if (to === this.#end || this.#bytes[to] === BACKSLASH) return NOT_PLAIN;
    this.#at = to + 1;
    this.#blanks();
    if (!this.#take(0x3a)) return NOT_PLAIN;
    this.#blanks();
    return node && memberOf(node, this.#bytes, from, to - from);
  }

  #string(node: PathNode | undefined): boolean {
    const from = this.#at + 1;
    const to = this.#closingQuote(from);
    if (to < 0) return false;
    this.#at = to + 1;
    if (node?.string || node?.value) return true;
    this.#holeAt(node?.text ? TEXT : STRING, from, to, node?.text ? node.slot : -1);
    return true;
  }

  #scalar(node: PathNode | undefined): boolean {
    const from = this.#at;
    while (this.#at < this.#end && isScalarByte(this.#byte())) this.#at++;
    if (this.#at === from) return false;
    if (node?.scalar && node.slot >= USAGE_MEMBER) {
      this.#holeAt(COUNT, from, this.#at, node.slot - USAGE_MEMBER);
      this.hasUsage = true;
      return true;
    }
    const isNumber = isNumberByte(this.#bytes[from]!);
    if (this.#numbersVary && isNumber && !(node?.scalar || node?.value))
      this.#holeAt(NUMBER, from, this.#at, -1);
    return true;
  }

  #closingQuote(from: number): number {
    for (let i = from; i < this.#end; i++) {
      if (this.#bytes[i] === QUOTE) return i;
      if (this.#bytes[i] === BACKSLASH) i++;
    }
    return -1;
  }

  #blanks(): void {
    while (this.#at < this.#end && this.#byte() === 0x20) this.#at++;
  }

  #holeAt(kind: number, from: number, to: number, slot: number): void {
    this.#literal(from);
    this.steps.push(kind, slot, from, to);
    this.#literalFrom = to;
  }

  #literal(to: number): void {
    if (to > this.#literalFrom) this.steps.push(LITERAL, -1, this.#literalFrom, to);
    this.#literalFrom = to;
  }

  #byte(): number {
    return this.#at < this.#end ? this.#bytes[this.#at]! : 0;
  }

  #take(byte: number): boolean {
    if (this.#byte() !== byte) return false;
    this.#at++;
    return true;
  }
}

/** Stands for "no member could be read" where undefined means "a member nobody knows". */
const NOT_PLAIN = createNode();

function isScalarByte(byte: number): boolean {
  return isNumberByte(byte) || (byte >= 0x61 && byte <= 0x7a);
}

/** A byte of a number, `E` included. */
export function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x2b ||
    byte === 0x65 ||
    byte === 0x45
  );
}
