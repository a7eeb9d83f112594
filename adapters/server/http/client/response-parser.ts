/** HTTP/1.1 responses (RFC 9112) from the bytes of a connection, cut anywhere: a push parser that keeps the head and nothing else. */
import { type BodyEvents, ChunkedBody } from "../chunked-body.ts";
import { flatCopy } from "../flat-copy.ts";
import { standsAt } from "../known-fields.ts";
import { Framing, HeadReader, ProtocolError, readFields } from "../message-head.ts";
import type { ResponseHead } from "./http-client.ts";

export interface ResponseEvents extends BodyEvents {
  /** Once; interim responses (1xx) are left out. `hasBody` is false where the framing leaves no room for one. */
  onHead(head: ResponseHead, hasBody: boolean): void;
  /**
   * The response is complete. `keepAlive`: the connection may carry another request, for `closesAfterMs` if the peer
   * said how long.
   */
  onEnd(keepAlive: boolean, closesAfterMs: number | undefined): void;
}

const MAX_INTERIM = 32;
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

type Phase = "head" | "counted" | "until-close" | "chunked" | "done";

export class ResponseParser {
  readonly #events: ResponseEvents;
  readonly #isHead: boolean;
  readonly #head = new HeadReader();
  #phase: Phase = "head";
  #chunks: ChunkedBody | undefined;
  /** Bytes left of the counted body. */
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
    while (this.#phase === "head") {
      at = this.#head.push(bytes, at);
      if (at === -1) return;
      this.#readHead(this.#head.take());
    }
    if (this.#phase === "counted") at = this.#takeCounted(bytes, at);
    else if (this.#phase === "until-close") {
      if (at < bytes.length) this.#events.onBody(bytes.subarray(at));
      return;
    } else if (this.#phase === "chunked") at = this.#takeChunked(bytes, at);
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
    const { status, statusText, isOld } = readStatusLine(text, firstEnd === -1 ? text.length : firstEnd);
    if (status === 101) throw new ProtocolError("an upgrade that was not asked for");
    const headers: string[] = [];
    const framing = new ResponseFraming();
    if (firstEnd !== -1) readFields(text, firstEnd + 2, headers, framing);
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM) throw new ProtocolError("too many interim responses");
      return;
    }
    framing.check();
    const { length, chunked, close } = framing;
    this.#closesAfterMs = framing.closesAfterMs;
    this.#keepAlive = !close && !isOld;
    const isBodiless = this.#isHead || status === 204 || status === 304;
    if (isBodiless) this.#phase = "done";
    else if (chunked) {
      this.#phase = "chunked";
      this.#chunks = new ChunkedBody();
    } else if (length === undefined) this.#phase = "until-close";
    else this.#phase = length === 0 ? "done" : "counted";
    this.#left = length ?? 0;
    if (this.#phase === "until-close") this.#keepAlive = false;
    this.#events.onHead({ status, statusText, headers }, !isBodiless);
  }

  #takeCounted(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    if (end > at) this.#events.onBody(bytes.subarray(at, end));
    this.#left -= end - at;
    if (this.#left === 0) this.#phase = "done";
    return end;
  }

  #takeChunked(bytes: Uint8Array, at: number): number {
    const end = this.#chunks!.push(bytes, at, this.#events);
    if (this.#chunks!.isDone) this.#phase = "done";
    return end;
  }
}

interface StatusLine {
  readonly text: string;
  readonly status: number;
  readonly statusText: string;
  /** HTTP/1.0. */
  readonly isOld: boolean;
}

/** Nearly all responses begin alike. */
let lastLine: StatusLine = { text: "", status: 0, statusText: "", isOld: false };

function readStatusLine(text: string, end: number): StatusLine {
  if (end === lastLine.text.length && standsAt(text, 0, lastLine.text)) return lastLine;
  const line = flatCopy(text.slice(0, end));
  const match = STATUS_LINE.exec(line);
  if (!match) throw new ProtocolError("no status line");
  lastLine = { text: line, status: Number(match[2]), statusText: match[3] ?? "", isOld: match[1] === "0" };
  return lastLine;
}

class ResponseFraming extends Framing {
  /** What the peer says. */
  closesAfterMs: number | undefined;

  override note(name: string, value: string): void {
    if (name !== "keep-alive") return super.note(name, value);
    const seconds = /\btimeout=(\d{1,6})\b/i.exec(value)?.[1];
    if (seconds !== undefined) this.closesAfterMs = Number(seconds) * 1000;
  }
}
