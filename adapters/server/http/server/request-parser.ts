/** HTTP/1.1 requests (RFC 9112) from the bytes of a connection, cut anywhere: a push parser that keeps the head and nothing else. */
import { type BodyEvents, ChunkedBody } from "../chunked-body.ts";
import { standsAt } from "../known-fields.ts";
import { Framing, HeadReader, isToken, ProtocolError, readFields } from "../message-head.ts";

export interface RequestHead {
  readonly method: string;
  /** As sent. */
  readonly target: string;
  /** Names as spelled. */
  readonly headers: string[];
  /** HTTP/1.0: it knows no chunks. */
  readonly isOld: boolean;
  /** The connection may carry another request. */
  readonly keepAlive: boolean;
  readonly hasBody: boolean;
  /** Of the body, in bytes; undefined when it comes in chunks. */
  readonly length: number | undefined;
  /** The client waits for a `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean;
}

export interface RequestEvents extends BodyEvents {
  onHead(head: RequestHead): void;
  /** The body is complete. Not called for a request without one. */
  onEnd(): void;
}

const NEW_VERSION = "HTTP/1.1";
/** A path, an absolute URL or `*` (RFC 9112 §3.2). No authority form: there is no CONNECT here. */
const TARGET = /^(?:\/|https?:\/\/|\*$)[\x21-\x7e\x80-\xff]*$/i;
const CR = 0x0d;
const LF = 0x0a;

type Phase = "head" | "counted" | "chunked" | "done";

export class RequestParser {
  readonly #events: RequestEvents;
  readonly #head = new HeadReader();
  #phase: Phase = "head";
  #chunks: ChunkedBody | undefined;
  /** Bytes left of the counted body. */
  #left = 0;

  constructor(events: RequestEvents) {
    this.#events = events;
  }

  /** Some of a request has come, not all. */
  get isBegun(): boolean {
    return this.#phase === "counted" || this.#phase === "chunked" || this.#head.isBegun;
  }

  /** All of a request has come; `next` makes it ready for another. */
  get isDone(): boolean {
    return this.#phase === "done";
  }

  next(): void {
    this.#phase = "head";
  }

  /**
   * Takes one step: a head, or what there is of a body; an event may follow. Gives the index behind what it took. The bytes
   * are taken over: chunked data is moved together in place. Throws a `ProtocolError`.
   */
  push(bytes: Uint8Array, at: number): number {
    if (this.#phase === "head") return this.#takeHead(bytes, at);
    const end = this.#phase === "counted" ? this.#takeCounted(bytes, at) : this.#takeChunked(bytes, at);
    if (this.#phase === "done") this.#events.onEnd();
    return end;
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    if (!this.#head.isBegun) {
      // An empty line or two before a request (RFC 9112 §2.2).
      while (bytes[at] === CR || bytes[at] === LF) at++;
      // Mostly a TLS handshake, whose end of a head would never come.
      if (bytes[at]! <= 0x20 || bytes[at]! >= 0x7f) throw new ProtocolError("no request line");
    }
    const end = this.#head.push(bytes, at);
    if (end === -1) return bytes.length;
    this.#readHead(this.#head.take());
    return end;
  }

  #readHead(text: string): void {
    const lineEnd = text.indexOf("\r\n");
    const end = lineEnd === -1 ? text.length : lineEnd;
    const methodEnd = text.indexOf(" ");
    const targetEnd = text.indexOf(" ", methodEnd + 1);
    if (targetEnd <= methodEnd + 1 || targetEnd > end) throw new ProtocolError("no request line");
    const method = standsAt(text, 0, "POST ") ? "POST" : text.slice(0, methodEnd);
    const target = text.slice(methodEnd + 1, targetEnd);
    const version = standsAt(text, targetEnd + 1, NEW_VERSION) ? NEW_VERSION : text.slice(targetEnd + 1, end);
    if (!isToken(method) || !TARGET.test(target) || !version.startsWith("HTTP/"))
      throw new ProtocolError("no request line");
    const isOld = version === "HTTP/1.0";
    if ((!isOld && version !== NEW_VERSION) || targetEnd + 1 + version.length !== end)
      throw new ProtocolError("another version", 505);
    const headers: string[] = [];
    const framing = new RequestFraming();
    if (lineEnd !== -1) readFields(text, lineEnd + 2, headers, framing);
    framing.check();
    const { chunked, length = 0 } = framing;
    if (framing.hosts !== 1 && !(isOld && framing.hosts === 0)) throw new ProtocolError("no host, or two");
    if (isOld && chunked) throw new ProtocolError("chunks in HTTP/1.0");
    this.#begin(chunked, length);
    this.#events.onHead({
      method,
      target,
      headers,
      isOld,
      keepAlive: !framing.close && (!isOld || framing.keepAlive),
      hasBody: chunked || length > 0,
      length: chunked ? undefined : length,
      expectsContinue: framing.expectsContinue && !isOld,
    });
  }

  #begin(chunked: boolean, length: number): void {
    this.#left = length;
    if (chunked) this.#chunks = new ChunkedBody();
    this.#phase = chunked ? "chunked" : length > 0 ? "counted" : "done";
  }

  #takeCounted(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#events.onBody(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#left === 0) this.#phase = "done";
    return end;
  }

  #takeChunked(bytes: Uint8Array, at: number): number {
    const end = this.#chunks!.push(bytes, at, this.#events);
    if (this.#chunks!.isDone) {
      this.#chunks = undefined;
      this.#phase = "done";
    }
    return end;
  }
}

class RequestFraming extends Framing {
  hosts = 0;
  expectsContinue = false;

  override note(name: string, value: string): void {
    if (name === "host") this.hosts++;
    else if (name !== "expect") super.note(name, value);
    else if (value.toLowerCase() === "100-continue") this.expectsContinue = true;
    else throw new ProtocolError("an unknown expectation", 417);
  }
}
