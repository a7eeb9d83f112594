/**
 * Follows a JSON document, fed in chunks cut anywhere, and reports what stands at the places of a path trie. Memory is
 * constant: a stack as high as the trie, an integer depth for everything else, one short buffer for a name or value.
 * It never throws: what is not JSON yields nothing, or what a lenient reader would make of it.
 */
import type { ChunkWords } from "./byte-search.ts";
import { DATA_PREFIX_BYTES, isDataUri } from "./data-prefix.ts";
import { BACKSLASH, QUOTE } from "./json-bytes.ts";
import type { JsonHandler, JsonKind } from "./json-handler.ts";
import { memberOf, type PathNode, type PathTrie } from "./json-paths.ts";
import { ScalarReader } from "./json-scalar.ts";
import { SubtreeSkipper } from "./json-skip.ts";
import { SpanCapture } from "./json-span.ts";
import { StringDecoder } from "./json-string.ts";
import { StringPasser } from "./string-passer.ts";

/** A value is due: after `[`, after a colon, or at the root. */
const VALUE = 0;
/** In an object: a name is due. */
const MEMBER = 1;
const COLON = 2;
/** In the name of a member of a known object. */
const NAME = 3;
const STRING = 4;
const SCALAR = 5;
/** Below a container that holds no known place. */
const SKIP = 6;
const DONE = 7;

const MAX_STRING_BYTES = 256;

export class JsonMachine {
  /** The document is closed; what follows is not looked at. */
  done = false;
  /** More than blanks followed the document. */
  trailed = false;
  /** Bytes from the first one pushed to the place of the current callback. */
  position = 0;
  readonly #trie: PathTrie;
  readonly #handler: JsonHandler;
  readonly #nodes: PathNode[] = [];
  readonly #objects: boolean[] = [];
  #top = -1;
  #state = VALUE;
  /** Place of the value that is due or in progress; undefined: unknown. */
  #child: PathNode | undefined;
  #consumed = 0;
  /** `position` of index 0 of the chunk in hand. */
  #base = 0;

  readonly #whole = new StringPasser();
  readonly #string: StringDecoder;
  #reported = 0;
  readonly #scalar = new ScalarReader();
  readonly #skipper: SubtreeSkipper;
  readonly #span = new SpanCapture();

  constructor(trie: PathTrie, handler: JsonHandler) {
    this.#trie = trie;
    this.#handler = handler;
    this.#string = new StringDecoder(Math.max(MAX_STRING_BYTES, trie.maxName));
    this.#skipper = new SubtreeSkipper(
      this.#string,
      (bytes) => handler.text(this.#child?.slot ?? -1, bytes),
      trie.dataUris,
    );
    this.#child = trie.root;
  }

  /** Ready for another document. */
  reset(): void {
    this.done = false;
    this.trailed = false;
    this.#top = -1;
    this.#state = VALUE;
    this.#child = this.#trie.root;
    this.#consumed = 0;
    this.#span.reset();
  }

  /** Reads `[from, to)` of the chunk. */
  push(words: ChunkWords, from: number, to: number): void {
    const { bytes } = words;
    this.#base = this.#consumed - from;
    this.#span.nextChunk(from);
    let i = from;
    while (i < to) {
      switch (this.#state) {
        case SKIP:
          i = this.#skip(words, i, to);
          break;
        case NAME:
        case STRING:
          i = this.#inString(words, i, to);
          break;
        case SCALAR:
          i = this.#inScalar(bytes, i, to);
          break;
        case DONE:
          i = this.#afterEnd(bytes, i, to);
          break;
        default:
          i = this.#structure(words, i, to);
      }
    }
    if (this.#span.active) this.#span.append(bytes, to);
    if (this.#state === STRING) this.#reportText(false);
    this.#consumed += to - from;
  }

  /** No more bytes will come for this document. */
  end(): void {
    if (this.#state === SCALAR) this.#endScalar(this.#consumed - this.#base);
    if (this.#state === SKIP) this.#skipper.end();
  }

  /** The raw text of the `span` object that is closing; undefined if it was over 2 KiB, or not UTF-8. */
  get spanText(): string | undefined {
    return this.#span.text;
  }

  #afterEnd(bytes: Uint8Array, from: number, to: number): number {
    for (let i = from; !this.trailed && i < to; i++) this.trailed = bytes[i]! > 0x20;
    return to;
  }

  /** One byte outside strings, scalars and skipped subtrees, or what begins there. Returns the index to go on from. */
  #structure(words: ChunkWords, i: number, to: number): number {
    const { bytes } = words;
    const byte = bytes[i]!;
    if (byte <= 0x20) return i + 1;
    if (this.#state === COLON) {
      this.#state = byte === 0x3a ? VALUE : MEMBER;
      return byte === 0x3a ? i + 1 : i;
    }
    if ((byte | 0x20) === 0x7d) {
      if (this.#top >= 0) this.#closeFrame(bytes, i);
      return i + 1;
    }
    if (byte === 0x2c) {
      // A comma where a member's value is due: the member has none.
      if (this.#state === VALUE && this.#top >= 0) this.#afterValue();
      return i + 1;
    }
    if (this.#state === MEMBER) return this.#memberName(words, i, to);
    if (byte === QUOTE) return this.#openString(words, i, to);
    if ((byte | 0x20) === 0x7b) return this.#openContainer(byte === 0x7b, i);
    // At the root: a byte order mark. Elsewhere: a stray colon.
    if (byte === 0x3a || (byte >= 0x80 && this.#top < 0)) return i + 1;
    return this.#openScalar(bytes, i, to);
  }

  #memberName(words: ChunkWords, i: number, to: number): number {
    const { bytes } = words;
    const byte = bytes[i]!;
    if (byte === QUOTE) return this.#openName(bytes, i + 1, to);
    if ((byte | 0x20) !== 0x7b) return i + 1;
    this.#child = undefined;
    return this.#openContainer(byte === 0x7b, i);
  }

  /** Names are short: those whole and without escapes are looked up where they stand. */
  #openName(bytes: Uint8Array, from: number, to: number): number {
    let i = from;
    for (; i < to; i++) {
      const byte = bytes[i]!;
      if (byte === QUOTE || byte === BACKSLASH) break;
    }
    if (i === to || bytes[i] === BACKSLASH) {
      this.#state = NAME;
      this.#string.begin(this.#trie.maxName);
      return from;
    }
    this.#child = memberOf(this.#nodes[this.#top]!, bytes, from, i - from);
    const isColonNext = i + 1 < to && bytes[i + 1] === 0x3a;
    this.#state = isColonNext ? VALUE : COLON;
    return isColonNext ? i + 2 : i + 1;
  }

  #openString(words: ChunkWords, i: number, to: number): number {
    const node = this.#child;
    if (node?.value) this.#announce(node, "string", i);
    const from = i + 1;
    const end = this.#whole.pass(words, from, to);
    if (end >= 0 && this.#takeWhole(node, words.bytes, from, end)) return end + 1;
    this.#state = STRING;
    this.#reported = 0;
    const { size, plain, reached } = this.#whole;
    if (!node?.string && !node?.text) {
      this.#string.skip();
      return reached;
    }
    const kept = node.string ? MAX_STRING_BYTES : this.#trie.dataUris ? 0 : DATA_PREFIX_BYTES;
    const isPassed = end < 0 && plain >= kept;
    if (isPassed) this.#string.resume(kept, size, words.bytes, from);
    else this.#string.begin(kept);
    return isPassed ? reached : from;
  }

  /** Ends a string that was passed whole; false: its bytes must be decoded. */
  #takeWhole(node: PathNode | undefined, bytes: Uint8Array, from: number, end: number): boolean {
    const { size, plain } = this.#whole;
    if (plain < size && (node?.string || (node?.text && plain < DATA_PREFIX_BYTES && !this.#trie.dataUris)))
      return false;
    this.position = this.#base + end + 1;
    this.#afterValue();
    if (node?.string) this.#handler.string(node.slot, bytes, from, size > MAX_STRING_BYTES ? -1 : end);
    if (node?.text && size > 0 && (this.#trie.dataUris || !isDataUri(bytes, from, size)))
      this.#handler.text(node.slot, size);
    return true;
  }

  #openScalar(bytes: Uint8Array, i: number, to: number): number {
    const node = this.#child;
    this.#state = SCALAR;
    this.#scalar.begin(node?.scalar === true);
    if (node?.value) this.#announce(node, "scalar", i);
    return this.#inScalar(bytes, i, to);
  }

  #openContainer(isObject: boolean, i: number): number {
    const node = this.#child;
    if (node?.value) this.#announce(node, isObject ? "object" : "array", i);
    if (node?.span && isObject) this.#span.begin(i);
    if (node !== undefined && (isObject ? node.members.length > 0 : node.item !== undefined)) {
      this.#top++;
      this.#nodes[this.#top] = node;
      this.#objects[this.#top] = isObject;
      this.#afterValue();
    } else {
      this.#state = SKIP;
      this.#skipper.begin(node?.texts === true);
    }
    return i + 1;
  }

  #closeFrame(bytes: Uint8Array, i: number): void {
    const node = this.#nodes[this.#top]!;
    this.#top--;
    this.#closed(node, bytes, i);
  }

  #closed(node: PathNode | undefined, bytes: Uint8Array, i: number): void {
    if (node?.span && this.#span.active) this.#span.end(bytes, i + 1);
    this.#afterValue();
    if (node?.value) {
      this.position = this.#base + i + 1;
      this.#handler.close(node.slot);
    }
  }

  /** What may follow a value depends on the container that it stands in. */
  #afterValue(): void {
    if (this.#top < 0) {
      this.#state = DONE;
      this.done = true;
    } else if (this.#objects[this.#top]) {
      this.#state = MEMBER;
    } else {
      const node = this.#nodes[this.#top]!;
      this.#state = VALUE;
      this.#child = node.item ?? node.rest;
    }
  }

  #announce(node: PathNode, kind: JsonKind, i: number): void {
    this.position = this.#base + i;
    this.#handler.value(node.slot, kind);
  }

  #inString(words: ChunkWords, from: number, to: number): number {
    const end = this.#string.push(words, from, to);
    if (!this.#string.closed) return to;
    this.position = this.#base + end;
    if (this.#state === NAME) this.#endName();
    else this.#endString();
    return end;
  }

  #endName(): void {
    const { size, kept } = this.#string;
    const node = this.#nodes[this.#top]!;
    this.#child = size > this.#trie.maxName ? node.rest : memberOf(node, kept, 0, size);
    this.#state = COLON;
  }

  #endString(): void {
    const node = this.#child;
    this.#afterValue();
    if (node === undefined) return;
    const { size, kept, broken } = this.#string;
    if (node.string) this.#handler.string(node.slot, kept, 0, broken || size > MAX_STRING_BYTES ? -1 : size);
    if (node.text) this.#reportText(true, node);
  }

  /** Where data URIs do not count, a string is judged by its first bytes when it has ended. */
  #reportText(ended: boolean, node: PathNode | undefined = this.#child): void {
    if (!node?.text) return;
    const { size, kept } = this.#string;
    if (!this.#trie.dataUris && (!ended || isDataUri(kept, 0, size))) return;
    if (size > this.#reported) this.#handler.text(node.slot, size - this.#reported);
    this.#reported = size;
  }

  #inScalar(bytes: Uint8Array, from: number, to: number): number {
    const i = this.#scalar.push(bytes, from, to);
    if (i < to) this.#endScalar(i);
    return i;
  }

  #endScalar(i: number): void {
    const node = this.#child;
    this.#afterValue();
    if (!node?.scalar) return;
    this.position = this.#base + i;
    this.#handler.scalar(node.slot, this.#scalar);
  }

  #skip(words: ChunkWords, from: number, to: number): number {
    const end = this.#skipper.push(words, from, to);
    if (this.#skipper.closed) this.#closed(this.#child, words.bytes, end - 1);
    return end;
  }
}
