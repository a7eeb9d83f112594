/** The chunked transfer coding (RFC 9112 §7.1), both ways. What is read may be cut anywhere; its framing and trailers are dropped. */
import { hexDigit } from "../../../src/scan/json-bytes.ts";
import { isFieldText, latin1, ProtocolError, TOKEN } from "./message-head.ts";

const MAX_LINE_BYTES = 1_024;
const MAX_PLAIN_DIGITS = 8;
const MAX_TRAILER_BYTES = 16_384;
const EXTENSION = `;${TOKEN}(?:=(?:${TOKEN}|"(?:[^"\\\\]|\\\\.)*"))?`;
const CHUNK_LINE = new RegExp(`^([0-9a-fA-F]{1,12})(?:${EXTENSION})*$`);
const TRAILER_LINE = new RegExp(`^${TOKEN}:`);
const CR = 0x0d;
const LF = 0x0a;

export interface BodyEvents {
  /** A part of the body, which is a part of what was pushed. */
  onBody(bytes: Uint8Array): void;
}

const LINE_END = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const LINE_END_AND_LAST_CHUNK = Buffer.from("\r\n0\r\n\r\n");

/**
 * Makes one chunk of the parts, followed by the body's end if it is the last. Returns what goes in front of them; what
 * stands behind is added to them.
 */
export function frameChunk(parts: Uint8Array[], isLast: boolean): string {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  // A chunk of no length would end the body.
  if (length > 0) parts.push(isLast ? LINE_END_AND_LAST_CHUNK : LINE_END);
  else if (isLast) parts.push(LAST_CHUNK);
  return length > 0 ? `${length.toString(16)}\r\n` : "";
}

type Phase = "line" | "data" | "data-end" | "trailer" | "done";

export class ChunkedBody {
  #phase: Phase = "line";
  /** An unfinished chunk or trailer line. */
  #line = "";
  #trailerBytes = 0;
  /** Bytes left of the chunk. */
  #left = 0;

  get isDone(): boolean {
    return this.#phase === "done";
  }

  /**
   * Gives the index behind what it took: all, or up to the body's end. The data of all chunks in `bytes` go to `onBody` in
   * one piece, moved over the framing between them. Throws a `ProtocolError`.
   */
  push(bytes: Uint8Array, at: number, events: BodyEvents): number {
    const from = at;
    let to = at;
    while (at < bytes.length && this.#phase !== "done") {
      if (this.#phase !== "data") {
        const next = this.#takePlainLine(bytes, at);
        at = next === -1 ? this.#takeLine(bytes, at) : next;
        continue;
      }
      const end = Math.min(bytes.length, at + this.#left);
      if (to !== at) bytes.copyWithin(to, at, end);
      to += end - at;
      this.#left -= end - at;
      at = end;
      if (this.#left === 0) this.#phase = "data-end";
    }
    if (to > from) events.onBody(bytes.subarray(from, to));
    return at;
  }

  /**
   * Reads the framing between two chunks, where it is plain and in one piece, without making text of it: that would be a
   * quarter of a stream's cost. Gives the index behind the line; -1 if it must be read as text, from the same place.
   */
  #takePlainLine(bytes: Uint8Array, at: number): number {
    if (this.#line !== "" || this.#phase === "trailer") return -1;
    let to = at;
    let size = 0;
    if (this.#phase === "line") {
      for (let digit = hexDigit(bytes[to] ?? -1); digit !== -1 && to - at < MAX_PLAIN_DIGITS; ) {
        size = size * 16 + digit;
        digit = hexDigit(bytes[++to] ?? -1);
      }
      if (size === 0) return -1; // the last chunk, or no number
    }
    if (bytes[to] !== CR || bytes[to + 1] !== LF) return -1;
    this.#left = size;
    this.#phase = this.#phase === "line" ? "data" : "line";
    return to + 2;
  }

  #takeLine(bytes: Uint8Array, at: number): number {
    const lf = bytes.indexOf(LF, at);
    const end = lf === -1 ? bytes.length : lf;
    this.#line += latin1(bytes, at, end);
    const max = this.#phase === "trailer" ? MAX_TRAILER_BYTES : MAX_LINE_BYTES;
    if (this.#line.length > max) throw new ProtocolError("a chunk's framing is too long");
    if (lf === -1) return end;
    if (!this.#line.endsWith("\r")) throw new ProtocolError("a line without its CR");
    const line = this.#line.slice(0, -1);
    this.#line = "";
    this.#readLine(line);
    return lf + 1;
  }

  #readLine(line: string): void {
    if (this.#phase === "data-end") {
      if (line !== "") throw new ProtocolError("a chunk longer than its size");
      this.#phase = "line";
      return;
    }
    if (this.#phase === "trailer") {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > MAX_TRAILER_BYTES) throw new ProtocolError("its trailer is too large");
      if (line === "") this.#phase = "done";
      // Dropped all the same: but what is no field may be the next message to somebody else.
      else if (!TRAILER_LINE.test(line) || !isFieldText(line)) throw new ProtocolError("a malformed trailer");
      return;
    }
    const size = CHUNK_LINE.exec(line);
    if (!size || !isFieldText(line)) throw new ProtocolError("a malformed chunk size");
    this.#left = Number.parseInt(size[1]!, 16);
    this.#phase = this.#left === 0 ? "trailer" : "data";
  }
}
