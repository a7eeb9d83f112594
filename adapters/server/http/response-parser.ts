/** HTTP/1.1 responses (RFC 9112) from the bytes of a connection, cut anywhere: a push parser that keeps the head and nothing else. */
import { joined } from "../../../src/gateway/web-response.ts";
import { hexDigit } from "../../../src/scan/json-bytes.ts";
import type { ResponseHead } from "./client.ts";

export interface ResponseEvents {
  /** Once; interim responses (1xx) are left out. `hasBody` is false where the framing leaves no room for one. */
  onHead(head: ResponseHead, hasBody: boolean): void;
  /** A part of the body, which is a part of what was pushed. */
  onBody(bytes: Uint8Array): void;
  /**
   * The response is complete. `keepAlive`: the connection may carry another request, for `closesAfterMs` if the peer
   * said how long.
   */
  onEnd(keepAlive: boolean, closesAfterMs: number | undefined): void;
}

/** The peer does not speak HTTP/1.1; nothing that it sent is in the message. */
export class ProtocolError extends Error {
  constructor(problem: string) {
    super(`bad response: ${problem}`);
    this.name = "ProtocolError";
  }
}

const MAX_HEAD_BYTES = 65_536;
const MAX_CHUNK_LINE_BYTES = 1_024;
const MAX_PLAIN_DIGITS = 8;
const MAX_TRAILER_BYTES = 16_384;
const MAX_INTERIM = 32;

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NO_FIELD_TEXT = /[^\t\x20-\x7e\x80-\xff]/;
const CHUNK_LINE = /^([0-9a-fA-F]{1,12})[ \t]*(?:;|$)/;
const CR = 0x0d;
const LF = 0x0a;

type Phase = "head" | "counted" | "until-close" | "chunk-line" | "chunk" | "chunk-end" | "trailer" | "done";

export class ResponseParser {
  readonly #events: ResponseEvents;
  readonly #isHead: boolean;
  #phase: Phase = "head";
  /** Bytes of an unfinished head. */
  #head: Uint8Array | undefined;
  /** An unfinished chunk or trailer line. */
  #line = "";
  #trailerBytes = 0;
  /** Bytes left of the counted body, or of the chunk. */
  #left = 0;
  #keepAlive = true;
  #closesAfterMs: number | undefined;
  #interim = 0;

  constructor(method: string, events: ResponseEvents) {
    this.#events = events;
    this.#isHead = method === "HEAD";
  }

  /** Takes the bytes over: chunked data is moved together in place. Throws a `ProtocolError`. */
  push(bytes: Uint8Array): void {
    let at = 0;
    if (this.#phase === "head") {
      const whole = this.#head ? joined([this.#head, bytes]) : bytes;
      const end = headEnd(whole, this.#head?.length ?? 0);
      if (end === -1) {
        if (whole.length > MAX_HEAD_BYTES) throw new ProtocolError("its head is too large");
        this.#head = whole;
        return;
      }
      if (end > MAX_HEAD_BYTES) throw new ProtocolError("its head is too large");
      this.#head = undefined;
      this.#readHead(latin1(whole, 0, end));
      bytes = whole;
      at = end + 4;
      if (this.#phase === "head") return this.push(bytes.subarray(at));
    }
    if (this.#phase === "counted") at = this.#takeCounted(bytes, at);
    else if (this.#phase === "until-close") {
      if (at < bytes.length) this.#events.onBody(bytes.subarray(at));
      return;
    } else if (this.#phase !== "done") at = this.#takeChunked(bytes, at);
    // Bytes that nobody asked for: what they would answer is unknown.
    if (this.#phase === "done") this.#end(at === bytes.length);
  }

  /** The peer closed the connection. True: that is how this body ends, and `onEnd` was called. */
  close(): boolean {
    if (this.#phase !== "until-close") return false;
    this.#end(false);
    return true;
  }

  #end(nothingLeft: boolean): void {
    this.#events.onEnd(this.#keepAlive && nothingLeft, this.#closesAfterMs);
  }

  #readHead(text: string): void {
    const firstEnd = text.indexOf("\r\n");
    const match = STATUS_LINE.exec(firstEnd === -1 ? text : text.slice(0, firstEnd));
    if (!match) throw new ProtocolError("no status line");
    const status = Number(match[2]);
    if (status === 101) throw new ProtocolError("an upgrade that was not asked for");
    const headers: string[] = [];
    const framing: Framing = {
      length: undefined,
      chunked: false,
      close: match[1] === "0",
      closesAfterMs: undefined,
    };
    if (firstEnd !== -1) readHeaders(text, firstEnd + 2, headers, framing);
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM) throw new ProtocolError("too many interim responses");
      return;
    }
    const { length, chunked, close } = framing;
    // How responses are smuggled (RFC 9112 §6.3).
    if (chunked && length !== undefined) throw new ProtocolError("two lengths at once");
    this.#closesAfterMs = framing.closesAfterMs;
    this.#keepAlive = !close;
    const isBodiless = this.#isHead || status === 204 || status === 304;
    if (isBodiless) this.#phase = "done";
    else if (chunked) this.#phase = "chunk-line";
    else if (length === undefined) this.#phase = "until-close";
    else this.#phase = length === 0 ? "done" : "counted";
    this.#left = length ?? 0;
    if (this.#phase === "until-close") this.#keepAlive = false;
    this.#events.onHead({ status, statusText: match[3] ?? "", headers }, !isBodiless);
  }

  #takeCounted(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    if (end > at) this.#events.onBody(bytes.subarray(at, end));
    this.#left -= end - at;
    if (this.#left === 0) this.#phase = "done";
    return end;
  }

  /** The data of all chunks in `bytes` go on in one piece, moved over the framing between them. */
  #takeChunked(bytes: Uint8Array, at: number): number {
    const from = at;
    let to = at;
    while (at < bytes.length && this.#phase !== "done") {
      if (this.#phase !== "chunk") {
        const next = this.#takePlainLine(bytes, at);
        at = next === -1 ? this.#takeLine(bytes, at) : next;
        continue;
      }
      const end = Math.min(bytes.length, at + this.#left);
      if (to !== at) bytes.copyWithin(to, at, end);
      to += end - at;
      this.#left -= end - at;
      at = end;
      if (this.#left === 0) this.#phase = "chunk-end";
    }
    if (to > from) this.#events.onBody(bytes.subarray(from, to));
    return at;
  }

  /**
   * The framing between two chunks where it is plain and in one piece, without text: a quarter of a stream's cost
   * otherwise. Gives the index behind the line; -1: it is to be read as text, from the same place.
   */
  #takePlainLine(bytes: Uint8Array, at: number): number {
    if (this.#line !== "" || this.#phase === "trailer") return -1;
    let to = at;
    let size = 0;
    if (this.#phase === "chunk-line") {
      for (let digit = hexDigit(bytes[to] ?? -1); digit !== -1 && to - at < MAX_PLAIN_DIGITS; ) {
        size = size * 16 + digit;
        digit = hexDigit(bytes[++to] ?? -1);
      }
      if (size === 0) return -1; // the last chunk, or no number
    }
    if (bytes[to] !== CR || bytes[to + 1] !== LF) return -1;
    this.#left = size;
    this.#phase = this.#phase === "chunk-line" ? "chunk" : "chunk-line";
    return to + 2;
  }

  #takeLine(bytes: Uint8Array, at: number): number {
    const lf = bytes.indexOf(LF, at);
    const end = lf === -1 ? bytes.length : lf;
    this.#line += latin1(bytes, at, end);
    const max = this.#phase === "trailer" ? MAX_TRAILER_BYTES : MAX_CHUNK_LINE_BYTES;
    if (this.#line.length > max) throw new ProtocolError("a chunk's framing is too long");
    if (lf === -1) return end;
    if (!this.#line.endsWith("\r")) throw new ProtocolError("a line without its CR");
    const line = this.#line.slice(0, -1);
    this.#line = "";
    this.#readLine(line);
    return lf + 1;
  }

  #readLine(line: string): void {
    if (this.#phase === "chunk-end") {
      if (line !== "") throw new ProtocolError("a chunk longer than its size");
      this.#phase = "chunk-line";
      return;
    }
    if (this.#phase === "trailer") {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > MAX_TRAILER_BYTES) throw new ProtocolError("its trailer is too large");
      if (line === "") this.#phase = "done";
      return;
    }
    const size = CHUNK_LINE.exec(line);
    if (!size) throw new ProtocolError("a malformed chunk size");
    this.#left = Number.parseInt(size[1]!, 16);
    this.#phase = this.#left === 0 ? "trailer" : "chunk";
  }
}

interface Framing {
  length: number | undefined;
  chunked: boolean;
  close: boolean;
  closesAfterMs: number | undefined;
}

/** Searches where one expression for the whole line takes ten times as long over a head as large providers send it. */
function readHeaders(text: string, at: number, headers: string[], framing: Framing): void {
  while (at <= text.length) {
    const lineEnd = text.indexOf("\r\n", at);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const colon = text.indexOf(":", at);
    const name = colon === -1 ? "" : text.slice(at, colon);
    const value = withoutBlanks(text, colon + 1, end);
    if (colon > end || !TOKEN.test(name) || NO_FIELD_TEXT.test(value))
      throw new ProtocolError("a malformed header");
    headers.push(name, value);
    noteFraming(framing, name.toLowerCase(), value);
    at = end + 2;
  }
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** Spaces and tabs alone (RFC 9110 §5.5): `trim` would take more. */
function withoutBlanks(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** RFC 9112 §6.3: anything but one plain length or `chunked` alone is refused. */
function noteFraming(framing: Framing, name: string, value: string): void {
  if (name === "content-length") {
    const length = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
    if (length === undefined || framing.length !== undefined)
      throw new ProtocolError("its length is unclear");
    framing.length = length;
  } else if (name === "transfer-encoding") {
    if (framing.chunked || value.toLowerCase() !== "chunked")
      throw new ProtocolError("an unknown transfer coding");
    framing.chunked = true;
  } else if (name === "connection") {
    framing.close ||= value
      .toLowerCase()
      .split(/[\s,]+/)
      .includes("close");
  } else if (name === "keep-alive") {
    const seconds = /\btimeout=(\d{1,6})\b/i.exec(value)?.[1];
    if (seconds !== undefined) framing.closesAfterMs = Number(seconds) * 1000;
  }
}

/** Where the blank line begins; -1 when it has not come. `known` bytes were looked at before. */
function headEnd(bytes: Uint8Array, known: number): number {
  for (let lf = bytes.indexOf(LF, Math.max(3, known)); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    if (bytes[lf - 1] === CR && bytes[lf - 2] === LF && bytes[lf - 3] === CR) return lf - 3;
  }
  return -1;
}

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", from, to);
