/** One client's connection: its requests are read one at a time, each when the one before has been answered. */
import { joined } from "../../../../src/gateway/web-response.ts";
import { ProtocolError } from "../message-head.ts";
import type { ServerSocket, SocketUser } from "../socket.ts";
import { Deadline, type DeadlineClock } from "./deadline.ts";
import { type RequestEvents, type RequestHead, RequestParser } from "./request-parser.ts";
import { formatResponseHead } from "./response-head.ts";

/** What is read of the next requests meanwhile, in bytes: a connection that is not read does not tell that its client left. */
const MAX_AHEAD = 16_384;

/** What a connection tells of the request that it carries. */
export interface CarriedRequest {
  onBody(bytes: Uint8Array): void;
  /** The body is complete. Not called for a request without one. */
  onEnd(): void;
  /** The client takes more: after a `write` that gave false. */
  onDrain(): void;
  /** The client is gone. Nothing follows. */
  onLeft(): void;
  /** The server ends now. Nothing but `onLeft` follows. */
  onCutOff(): void;
  /** The client neither sends nor reads, or what it sends is no HTTP. Returns whether some of an answer went out. */
  onGivenUp(): boolean;
}

/** What the connections of a server have in common. */
export interface ConnectionOwner extends DeadlineClock {
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
  #carried: CarriedRequest | undefined;
  #hasAsked = false;
  /** Reading waits: the head of the current request is being judged, or its answer is under way. */
  #isHeld = false;
  /** Bytes that came meanwhile. */
  #rest: Uint8Array | undefined;
  #isReading = false;
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
  readonly #deadline: Deadline;

  constructor(owner: ConnectionOwner, socket: ServerSocket) {
    this.#owner = owner;
    this.#socket = socket;
    this.#deadline = new Deadline(owner);
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
    if (this.#isClosed) return;
    if (this.#isDropping) this.#deadline.lingerOn();
    if (this.#isDeaf) return;
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
    if (!this.#carried) this.#deadline.awaitHead();
    else if (!this.#isUploadPaused) this.#deadline.awaitClient();
  }

  #fail(error: unknown): void {
    if (error instanceof ProtocolError) return this.#refuse(error.status);
    this.#owner.onFault(error);
    this.#refuse(500);
  }

  onHead(head: RequestHead): void {
    this.#hasAsked = true;
    this.#isLast = !head.keepAlive;
    this.#deadline.headCame();
    this.#isHeld = true;
    this.#owner.onRequest(head, this);
  }

  /** From the head of a request to the end of its answer. */
  carry(carried: CarriedRequest): void {
    this.#carried = carried;
  }

  /** The body is wanted, if there is one. */
  readBody(): void {
    if (this.#isClosed || this.#parser.isDone) return;
    // What has come along with the head may be all of it.
    if (!this.#isReading) this.#deadline.awaitClient();
    this.#release();
  }

  onBody(bytes: Uint8Array): void {
    this.#carried?.onBody(bytes);
  }

  onEnd(): void {
    if (this.#isDropping) return this.#finish();
    this.#isHeld = true;
    this.#deadline.lift();
    this.#carried?.onEnd();
  }

  /** As `ServerSocket.write`. */
  write(text: string, parts: readonly Uint8Array[]): boolean {
    if (this.#isClosed) return true;
    this.#isFull = !this.#socket.write(text, parts);
    if (this.#isFull) this.#deadline.awaitClient();
    return !this.#isFull;
  }

  /** No more of the body for now. */
  pause(): void {
    this.#deadline.lift();
    this.#isUploadPaused = true;
    this.#setFlow();
  }

  resume(): void {
    if (!this.#isUploadPaused) return;
    this.#isUploadPaused = false;
    if (!this.#parser.isDone) this.#deadline.awaitClient();
    this.#setFlow();
  }

  onDrain(): void {
    if (this.#isClosed) return;
    this.#isFull = false;
    this.#deadline.lift();
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
    this.#deadline.linger();
    if (this.isLast) this.#socket.shutdown();
    this.#release();
  }

  /** Request and answer are through. */
  #finish(): void {
    this.#isDropping = false;
    if (this.isLast) return this.close();
    this.#parser.next();
    this.#deadline.awaitRequest();
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
    this.#isUploadPaused = false;
    this.#rest = undefined;
    this.#isDropping = true;
    this.#deadline.linger();
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
    if (!this.#deadline.isOver(now)) return;
    if (this.#isDropping || this.isIdle) this.close();
    else this.#refuse(408);
  }

  close(): void {
    this.onClose();
  }

  /** The server ends now, whatever is under way. */
  cutOff(): void {
    this.#carried?.onCutOff();
    this.reset();
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
    const isPaused = this.#isUploadPaused || (this.#rest?.length ?? 0) >= MAX_AHEAD;
    // In the middle of a read it may change again, and each change is a system call.
    if (isPaused === this.#isPaused || this.#isClosed || this.#isReading) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }
}
