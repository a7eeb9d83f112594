/** One client's connection: its requests are read one at a time, each when the one before has been answered. */
import { joined } from "../../../../src/gateway/web-response.ts";
import { ProtocolError } from "../message-head.ts";
import type { ServerSocket, SocketUser } from "../socket.ts";
import { type RequestEvents, type RequestHead, RequestParser } from "./request-parser.ts";
import { formatResponseHead } from "./response-head.ts";

/** Time for a client to send its whole request head, in milliseconds. */
const HEAD_MS = 60_000;
/** How long an idle connection is kept. Longer than the usual load balancer's 60 s, so that the balancer closes first. */
const IDLE_MS = 75_000;
/** How long the rest of an upload that nobody wants is read and dropped, so that the client gets to read its answer. */
const LINGER_MS = 5_000;

/** What a connection tells of the request that it carries. */
export interface Carried {
  onBody(bytes: Uint8Array): void;
  /** The body is complete. Not called for a request without one. */
  onEnd(): void;
  /** The client takes more: after a `write` that gave false. */
  onDrain(): void;
  /** The client is gone. Nothing follows. */
  onLeft(): void;
  /** The client neither sends nor reads, or what it sends is no HTTP. Returns whether some of an answer went out. */
  onGivenUp(): boolean;
}

/** What the connections of a server have in common. */
export interface ConnectionOwner {
  /** Milliseconds. */
  now(): number;
  /** How long a client may be silent in its upload, or in its reading, in milliseconds. */
  patienceMs(): number;
  /** Takes a request up: `carry` tells what becomes of it, `readBody` asks for more. Never throws. */
  onRequest(head: RequestHead, connection: ClientConnection): void;
  onClosed(connection: ClientConnection): void;
  onFault(error: unknown): void;
  /** For requests that are answered before they reach the gateway. */
  nextRequestId(): string;
  /** No connection is kept for another request. */
  readonly isClosing: boolean;
}

export class ClientConnection implements SocketUser, RequestEvents {
  readonly #owner: ConnectionOwner;
  readonly #socket: ServerSocket;
  readonly #parser = new RequestParser(this);
  #carried: Carried | undefined;
  #hasAsked = false;
  /** Reading waits: the head of the current request is being judged, or its answer is under way. */
  #isHeld = false;
  /** Bytes that came meanwhile. */
  #rest: Uint8Array | undefined;
  #isReading = false;
  #isHeadBegun = false;
  /** The upload waits for a slow provider. */
  #isUploadPaused = false;
  /** The socket is paused. */
  #isPaused = false;
  /** Some of what was written waits. */
  #isFull = false;
  /** Its answer is out, and what still comes of the request is dropped. */
  #isDropping = false;
  /** What came was no request: whatever follows is ignored. */
  #isDeaf = false;
  #isLast = false;
  #isClosed = false;
  /** By the owner's clock. */
  #deadline: number;

  constructor(owner: ConnectionOwner, socket: ServerSocket) {
    this.#owner = owner;
    this.#socket = socket;
    this.#deadline = owner.now() + IDLE_MS;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Between two requests, with nothing of the next one received. */
  get isIdle(): boolean {
    return this.#carried === undefined && !this.#isDropping && !this.#parser.isBegun;
  }

  /** It has never sent anything: load balancers and browsers open some in advance. */
  get isFresh(): boolean {
    return !this.#hasAsked && this.isIdle;
  }

  /** All of the request has come. */
  get hasWholeRequest(): boolean {
    return this.#parser.isDone;
  }

  onData(bytes: Uint8Array): void {
    if (this.#isClosed || this.#isDeaf) return;
    if (!this.#isHeld) return this.#read(bytes);
    this.#rest = this.#rest ? joined([this.#rest, bytes]) : bytes;
    this.#setFlow();
  }

  #read(bytes: Uint8Array): void {
    let at = 0;
    this.#isReading = true;
    try {
      while (at < bytes.length && !this.#isHeld && !this.#isClosed) at = this.#parser.push(bytes, at);
    } catch (error) {
      at = bytes.length;
      this.#fail(error);
    }
    this.#isReading = false;
    if (at < bytes.length && !this.#isClosed) this.#rest = bytes.subarray(at);
    else if (!this.#isHeld && !this.#isDropping && this.#parser.isBegun) this.#awaitMore();
    this.#setFlow();
  }

  #awaitMore(): void {
    if (!this.#carried) this.#awaitHead();
    else if (!this.#isUploadPaused) this.#awaitClient();
  }

  /** From its first byte on. */
  #awaitHead(): void {
    if (this.#isHeadBegun) return;
    this.#isHeadBegun = true;
    this.#deadline = this.#owner.now() + HEAD_MS;
  }

  /** It is the client's turn, to send or to read. */
  #awaitClient(): void {
    this.#deadline = this.#owner.now() + this.#owner.patienceMs();
  }

  #fail(error: unknown): void {
    if (error instanceof ProtocolError) return this.#refuse(error.status);
    this.#owner.onFault(error);
    this.#refuse(500);
  }

  onHead(head: RequestHead): void {
    this.#hasAsked = true;
    this.#isHeadBegun = false;
    this.#isLast = !head.keepAlive;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#isHeld = true;
    this.#owner.onRequest(head, this);
  }

  /** From the head of a request to the end of its answer. */
  carry(carried: Carried): void {
    this.#carried = carried;
  }

  /** The body is wanted, if there is one. */
  readBody(): void {
    if (this.#isClosed || this.#parser.isDone) return;
    // What has come along with the head may be all of it.
    if (!this.#isReading) this.#awaitClient();
    this.#release();
  }

  onBody(bytes: Uint8Array): void {
    this.#carried?.onBody(bytes);
  }

  onEnd(): void {
    if (this.#isDropping) return this.#finish();
    this.#isHeld = true;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#carried?.onEnd();
  }

  /** As `ServerSocket.write`. */
  write(text: string, parts: readonly Uint8Array[]): boolean {
    if (this.#isClosed) return true;
    this.#isFull = !this.#socket.write(text, parts);
    if (this.#isFull) this.#awaitClient();
    return !this.#isFull;
  }

  /** No more of the body for now. */
  pause(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#isUploadPaused = true;
    this.#setFlow();
  }

  resume(): void {
    if (!this.#isUploadPaused) return;
    this.#isUploadPaused = false;
    if (!this.#parser.isDone) this.#awaitClient();
    this.#setFlow();
  }

  onDrain(): void {
    if (this.#isClosed) return;
    this.#isFull = false;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#carried?.onDrain();
  }

  /** The last request on this connection: its head says so. */
  get isLast(): boolean {
    return this.#isLast || this.#owner.isClosing;
  }

  set isLast(isLast: boolean) {
    this.#isLast = isLast;
  }

  /** The whole answer is written. */
  answered(): void {
    this.#carried = undefined;
    this.#isUploadPaused = false;
    if (this.#isClosed) return;
    if (this.#parser.isDone) return this.#finish();
    this.#isDropping = true;
    this.#deadline = this.#owner.now() + LINGER_MS;
    if (this.isLast) this.#socket.shutdown();
    this.#release();
  }

  /** Request and answer are through. */
  #finish(): void {
    this.#isDropping = false;
    if (this.isLast) return this.close();
    this.#parser.next();
    this.#deadline = this.#owner.now() + IDLE_MS;
    this.#release();
  }

  #release(): void {
    this.#isHeld = false;
    if (this.#isReading) return;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest) this.#read(rest);
    else this.#setFlow();
  }

  /** What came is no request, or comes too slowly. */
  #refuse(status: number): void {
    if (this.#isClosed) return;
    const carried = this.#carried;
    this.#carried = undefined;
    const isAnswered = carried?.onGivenUp() ?? this.#isDropping;
    if (isAnswered || this.#isFull) return this.reset();
    const headers = ["content-length", "0", "x-beyond-request-id", this.#owner.nextRequestId()];
    this.write(formatResponseHead(status, headers, "connection: close\r\n"), []);
    this.#isDeaf = true;
    this.#isDropping = true;
    this.#isUploadPaused = false;
    this.#rest = undefined;
    this.#deadline = this.#owner.now() + LINGER_MS;
    this.#socket.shutdown();
    this.#setFlow();
  }

  /**
   * Ends the connection without the body's own end, so that no client takes it for whole. `isFramed`: the client knows how
   * much was to come (chunked, or a length); else only a reset tells it.
   */
  breakOff(isFramed: boolean): void {
    this.#carried = undefined;
    if (isFramed) this.close();
    else this.reset();
  }

  /** To be called now and then. */
  expire(now: number): void {
    if (now < this.#deadline) return;
    if (this.#isDropping || this.isIdle) this.close();
    else this.#refuse(408);
  }

  close(): void {
    this.onClose();
  }

  reset(): void {
    if (!this.#isClosed) this.#socket.reset();
    this.onClose();
  }

  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#rest = undefined;
    const carried = this.#carried;
    this.#carried = undefined;
    carried?.onLeft();
    this.#owner.onClosed(this);
  }

  #setFlow(): void {
    const isPaused = this.#isUploadPaused || this.#rest !== undefined;
    // In the middle of a read it may change again, and each change is a system call.
    if (isPaused === this.#isPaused || this.#isClosed || this.#isReading) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }
}
