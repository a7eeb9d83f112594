/** A request's body on its way up: a small one read whole, a larger one chunk by chunk at the provider's pace. */
import type { ErrorCode } from "../../src/gateway/errors.ts";
import { MAX_WHOLE_BODY } from "../../src/gateway/exchange.ts";
import { freeRead } from "./free-read.ts";
import type { Call } from "./http/client/http-client.ts";
import type { Relay, StreamedBody } from "./relay.ts";

/** Where the body comes from. */
export interface BodySource {
  pause(): void;
  resume(): void;
}

export class Upload implements StreamedBody {
  readonly #source: BodySource;
  readonly #relay: Relay;
  /** A small body, with `#received` bytes of it so far. */
  #whole: Uint8Array | undefined;
  #received = 0;
  #isStreamed = false;
  /** The provider is asked; it is not when there is nothing to send: a peer closes a kept connection that a slow client leaves silent. */
  #isAsked = false;
  #call: Call | undefined;
  /** What waits for the connection. */
  #waiting: Uint8Array[] = [];
  #canWrite = false;
  /** The client has sent it all. */
  #isScanned = false;
  #isOver = false;

  constructor(source: BodySource, relay: Relay) {
    this.#source = source;
    this.#relay = relay;
  }

  /** Asks the provider when it can. */
  run(hasBody: boolean): void {
    const { plan, exchange } = this.#relay;
    const { declaredLength } = plan;
    if (!hasBody) return this.#relay.send(undefined);
    this.#isStreamed = declaredLength === undefined || declaredLength > MAX_WHOLE_BODY;
    exchange.hold(this.#isStreamed ? MAX_WHOLE_BODY : declaredLength!);
  }

  /** The next bytes. */
  push(chunk: Uint8Array): void {
    if (this.#isOver) return;
    if (!this.#isStreamed) return this.#gather(chunk);
    const { plan, exchange } = this.#relay;
    const body = exchange.request;
    const pieces = body.push(chunk);
    this.#isScanned = body.bytes === plan.declaredLength;
    // In one write with the last chunk: what the edit adds at the end would else be a write of its own.
    if (this.#send(pieces, this.#isScanned ? body.end() : [])) freeRead(chunk);
  }

  /** One memory for all of it: a client that sends byte by byte would have a chunk kept for each. */
  #gather(chunk: Uint8Array): void {
    const length = this.#relay.plan.declaredLength!;
    if (chunk.length === length) this.#whole = chunk;
    else {
      this.#whole ??= new Uint8Array(length);
      this.#whole.set(chunk, this.#received);
    }
    this.#received += chunk.length;
  }

  /** No more will come. */
  end(): void {
    if (this.#isScanned || this.#isOver) return;
    this.#isScanned = true;
    const { request } = this.#relay.exchange;
    if (this.#isStreamed) return void this.#send([], request.end());
    const body = request.whole(this.#whole!);
    if (typeof body === "string") this.#relay.giveUp(body);
    else this.#relay.send(body);
  }

  /** True: the provider's system has taken it, and its memory is not needed any more. */
  #send(pieces: readonly Uint8Array[] | ErrorCode, rest: readonly Uint8Array[] | ErrorCode): boolean {
    if (typeof pieces === "string") return this.#refuse(pieces);
    if (typeof rest === "string") return this.#refuse(rest);
    this.#waiting.push(...pieces, ...rest);
    if (this.#canWrite) return this.#write();
    if (this.#isAsked) return false;
    this.#isAsked = true;
    this.#source.pause();
    this.#relay.send(this);
    // A connection that was kept takes it on the spot.
    return this.#canWrite;
  }

  start(call: Call): void {
    this.#call = call;
    this.#goOn();
  }

  onDrain(): void {
    if (!this.#isOver) this.#goOn();
  }

  #goOn(): void {
    this.#canWrite = true;
    // The end of a body comes even after a pause, when there is nothing else left to come.
    if ((this.#waiting.length === 0 && !this.#isScanned) || this.#write()) this.#source.resume();
  }

  #write(): boolean {
    const pieces = this.#waiting;
    this.#waiting = [];
    this.#canWrite = this.#isScanned ? this.#call!.end(pieces) : this.#call!.write(pieces);
    if (!this.#canWrite && !this.#isOver) {
      this.#source.pause();
      this.#relay.awaitProvider();
    }
    return this.#canWrite;
  }

  /** What came of a small body counts in its row. */
  clientLeft(): void {
    if (this.#whole && !this.#isScanned)
      this.#relay.exchange.request.push(this.#whole.subarray(0, this.#received));
    this.#whole = undefined;
  }

  cancel(): void {
    this.#isOver = true;
    this.#waiting = [];
  }

  #refuse(code: ErrorCode): false {
    this.cancel();
    this.#relay.giveUp(code);
    return false;
  }
}
