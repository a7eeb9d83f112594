/** What the heads of requests and responses have in common (RFC 9112 §2, §5, §6), from bytes that are cut anywhere. */

import { readContentLength } from "../../../src/gateway/content-length.ts";
import { isLastValue, type KnownField, knownField, noteValue } from "./known-fields.ts";

/** The peer does not speak HTTP/1.1; nothing that it sent is in the message. */
export class ProtocolError extends Error {
  /** What a server answers. */
  readonly status: number;

  constructor(problem: string, status = 400) {
    super(`bad message: ${problem}`);
    this.name = "ProtocolError";
    this.status = status;
  }
}

/** As large as the large front ends allow. */
const MAX_HEAD_BYTES = 65_536;
const FIRST_BYTES = 2_048;
/** 64 KiB of four-byte fields would take milliseconds to parse, so their number is capped too. */
const MAX_FIELDS = 1_000;
/** A token (RFC 9110 §5.6.2), as a part of a regular expression. */
export const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const WHOLE_TOKEN = new RegExp(`^${TOKEN}$`);
const NO_FIELD_TEXT = /[^\t\x20-\x7e\x80-\xff]/;
const CR = 0x0d;
const LF = 0x0a;

/** Keeps the bytes of a head until all of it is here. */
export class HeadReader {
  #text = "";
  #kept: Buffer | undefined;
  #length = 0;

  /** Some of a head has come, not all. */
  get isBegun(): boolean {
    return this.#length > 0;
  }

  /** The head without its blank line, once `push` has found its end. It is not kept: a connection may stay idle for long. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** Gives the index behind the blank line; -1 when it has not come. Throws a `ProtocolError` for a head that is too large. */
  push(bytes: Uint8Array, at: number): number {
    if (at === bytes.length) return -1;
    if (this.#length === 0) {
      const end = headEnd(bytes, at, bytes.length);
      if (end - at > MAX_HEAD_BYTES || (end === -1 && bytes.length - at > MAX_HEAD_BYTES)) throw tooLarge();
      if (end === -1) return this.#keep(bytes, at);
      this.#text = latin1(bytes, at, end);
      return end + 4;
    }
    const known = this.#length;
    this.#keep(bytes, at);
    const kept = this.#kept!;
    const end = headEnd(kept, 0, this.#length, known);
    if (end > MAX_HEAD_BYTES || (end === -1 && this.#length > MAX_HEAD_BYTES)) throw tooLarge();
    if (end === -1) return -1;
    this.#text = latin1(kept, 0, end);
    this.#kept = undefined;
    this.#length = 0;
    return at + end + 4 - known;
  }

  /** Grows by doubling: a head may come byte by byte. */
  #keep(bytes: Uint8Array, at: number): -1 {
    const length = this.#length + bytes.length - at;
    const before = this.#kept;
    if (!before || length > before.length) {
      this.#kept = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * length));
      if (before) this.#kept.set(before.subarray(0, this.#length));
    }
    this.#kept!.set(at === 0 ? bytes : bytes.subarray(at), this.#length);
    this.#length = length;
    return -1;
  }
}

const tooLarge = (): ProtocolError => new ProtocolError("its head is too large", 431);

/** Where the blank line begins; -1 when it has not come. What lies before `known` was looked at before. */
function headEnd(bytes: Uint8Array, from: number, to: number, known = from): number {
  for (let lf = bytes.indexOf(LF, Math.max(from + 3, known)); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    if (lf >= to) return -1;
    if (bytes[lf - 1] !== CR) throw new ProtocolError("a line without its CR");
    if (bytes[lf - 2] === LF && bytes[lf - 3] === CR) return lf - 3;
  }
  return -1;
}

/** Sockets give a `Buffer`, which is used as it is: wrapping it in another one costs Bun as much as parsing a head. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1", from, to);
}

/** Would start another line, or another message. */
const LINE_BREAKS = /[\r\n\0]/;

export const breaksLines = (text: string): boolean => LINE_BREAKS.test(text);

export const isToken = (text: string): boolean => WHOLE_TOKEN.test(text);

/** What may stand in a line of a head, or of a chunk's framing. */
export const isFieldText = (text: string): boolean => !NO_FIELD_TEXT.test(text);

/** What a head says of its body and its connection. */
export class Framing {
  /** Of the body, in bytes. */
  length: number | undefined;
  chunked = false;
  close = false;
  keepAlive = false;

  /** `name` in lower case. Anything but one plain length, or `chunked` alone, is how messages are smuggled (RFC 9112 §6.3, §11.2). */
  note(name: string, value: string): void {
    switch (name) {
      case "content-length": {
        const length = readContentLength(value);
        if (length === undefined || this.length !== undefined)
          throw new ProtocolError("its length is unclear");
        this.length = length;
        return;
      }
      case "transfer-encoding":
        if (this.chunked || value.toLowerCase() !== "chunked")
          throw new ProtocolError("an unknown transfer coding");
        this.chunked = true;
        return;
      case "connection":
        this.#noteConnection(value.toLowerCase());
    }
  }

  #noteConnection(value: string): void {
    if (value === "keep-alive") this.keepAlive = true;
    else
      for (const option of value.split(/[\s,]+/)) {
        this.close ||= option === "close";
        this.keepAlive ||= option === "keep-alive";
      }
  }

  /** To be called once all fields are noted. */
  check(): void {
    if (this.chunked && this.length !== undefined) throw new ProtocolError("two lengths at once");
  }
}

/**
 * Appends the fields of a head, names as spelled, and tells `framing` of each. By index searches: a regular expression for the
 * whole line takes ten times as long over the heads that large providers send.
 */
export function readFields(text: string, at: number, headers: string[], framing: Framing): void {
  while (at <= text.length) {
    const lineEnd = text.indexOf("\r\n", at);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const colon = text.indexOf(":", at);
    if (colon === -1 || colon > end) throw new ProtocolError("a malformed header");
    const known = knownField(text, at, colon);
    const name = known?.name ?? text.slice(at, colon);
    if (!known && !isToken(name)) throw new ProtocolError("a malformed header");
    const value = readValue(known, text, colon + 1, end);
    if (headers.push(name, value) > 2 * MAX_FIELDS) throw new ProtocolError("too many headers", 431);
    framing.note(known?.lowerName ?? name.toLowerCase(), value);
    at = end + 2;
  }
}

/** Between blanks: spaces and tabs alone (RFC 9110 §5.5), where `trim` would take more. */
function readValue(known: KnownField | undefined, text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  if (known && isLastValue(known, text, from, to)) return known.value;
  const value = text.slice(from, to);
  if (!isFieldText(value)) throw new ProtocolError("a malformed header");
  if (known) noteValue(known, value);
  return value;
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
