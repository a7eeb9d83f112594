/** A request's body on its way up: a small one read whole, a larger one chunk by chunk at the provider's pace. */
import type { IncomingMessage } from "node:http";
import type { ErrorCode } from "../../src/gateway/errors.ts";
import { MAX_WHOLE_BODY } from "../../src/gateway/exchange.ts";
import { freeChunk } from "../server/free-chunk.ts";
import type { Call } from "../server/http/client.ts";
import type { Relay, StreamedBody } from "../server/relay.ts";

export class Upload implements StreamedBody {
  readonly #request: IncomingMessage;
  readonly #relay: Relay;
  /** What came of a small body that is not all here yet. */
  #chunks: Buffer[] = [];
  #call: Call | undefined;
  /** What waits for the connection. */
  #first: Uint8Array[] | undefined;
  /** The client has sent it all. */
  #isScanned = false;
  #isOver = false;

  constructor(request: IncomingMessage, relay: Relay) {
    this.#request = request;
    this.#relay = relay;
  }

  /** Asks the provider when it can. */
  run(): void {
    const { declaredLength } = this.#relay.plan;
    const hasBody =
      declaredLength === undefined ? "transfer-encoding" in this.#request.headers : declaredLength > 0;
    if (!hasBody) this.#relay.send(undefined);
    else if (declaredLength === undefined || declaredLength > MAX_WHOLE_BODY) this.#stream();
    else this.#readWhole(declaredLength);
  }

  /** What came of a small body counts in its row. */
  clientLeft(): void {
    for (const chunk of this.#chunks) this.#relay.exchange.request.push(chunk);
  }

  #readWhole(length: number): void {
    const { exchange } = this.#relay;
    exchange.hold(length);
    this.#request.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    this.#request.once("end", () => {
      const [first] = this.#chunks;
      const read = this.#chunks.length === 1 ? first! : Buffer.concat(this.#chunks);
      this.#chunks = [];
      const body = exchange.request.whole(read);
      if (typeof body === "string") this.#relay.giveUp(body);
      else this.#relay.send(body);
    });
  }

  #stream(): void {
    const { plan, exchange } = this.#relay;
    const body = exchange.request;
    exchange.hold(MAX_WHOLE_BODY);
    this.#request.on("data", (chunk: Buffer) => {
      if (this.#isOver) return;
      const pieces = body.push(chunk);
      this.#isScanned = body.bytes === plan.declaredLength;
      // In one write with the last chunk: what the edit adds at the end would else be a write of its own.
      if (this.#send(pieces, this.#isScanned ? body.end() : [])) freeChunk(chunk);
    });
    this.#request.once("end", () => {
      if (this.#isScanned || this.#isOver) return;
      this.#isScanned = true;
      this.#send([], body.end());
    });
  }

  /** True: the provider's system has taken it, and its memory is not needed any more. */
  #send(pieces: readonly Uint8Array[] | ErrorCode, rest: readonly Uint8Array[] | ErrorCode): boolean {
    if (typeof pieces === "string") return this.#refuse(pieces);
    if (typeof rest === "string") return this.#refuse(rest);
    const part = rest.length === 0 ? pieces : [...pieces, ...rest];
    if (this.#call) return this.#write(part);
    // The end of a body comes even after a pause, when there is nothing else left to come.
    if (this.#first) {
      this.#first.push(...part);
      return false;
    }
    // Not before there is something to send: a peer closes a kept connection that a slow client leaves silent.
    this.#first = [...part];
    this.#request.pause();
    this.#relay.send(this);
    return false;
  }

  start(call: Call): void {
    this.#call = call;
    const first = this.#first ?? [];
    this.#first = undefined;
    this.#request.resume();
    this.#write(first);
  }

  #write(pieces: readonly Uint8Array[]): boolean {
    const isTaken = this.#isScanned ? this.#call!.end(pieces) : this.#call!.write(pieces);
    if (!isTaken && !this.#isOver) {
      this.#request.pause();
      this.#relay.awaitProvider();
    }
    return isTaken;
  }

  onDrain(): void {
    if (!this.#isOver) this.#request.resume();
  }

  cancel(): void {
    this.#isOver = true;
    this.#first = undefined;
  }

  #refuse(code: ErrorCode): false {
    this.cancel();
    this.#relay.giveUp(code);
    return false;
  }
}
