/** A request's body on its way up: a small one read whole, a larger one at the provider's pace. */
import type { ErrorCode } from "../../src/gateway/errors.ts";
import { MAX_WHOLE_BODY } from "../../src/gateway/exchange.ts";
import type { Clock } from "../../src/gateway/ports.ts";
import { createReadTimeout, type ReadTimeout } from "../../src/gateway/read-timeout.ts";
import { freeChunk } from "../server/free-chunk.ts";
import type { Call } from "../server/http/client.ts";
import type { Relay, StreamedBody } from "../server/relay.ts";

/** Bun's reader (https://bun.com/docs/api/streams): everything that is there at once, and a promise only where nothing is. */
interface ManyReader {
  readMany(): ReadMany | Promise<ReadMany>;
  cancel(): Promise<void>;
}

interface ReadMany {
  readonly done: boolean;
  readonly value?: readonly Uint8Array<ArrayBuffer>[];
}

/** Of a larger body, what is there is gathered for one write, up to as much as a small one or one read more. */
export class Upload implements StreamedBody {
  readonly #request: Request;
  readonly #relay: Relay;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #onStalled: () => void;
  #clientTurn: ReadTimeout | undefined;
  #reader: ManyReader | undefined;
  /** What was read since the last write, and what goes up of it. */
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #pieces: Uint8Array[] = [];
  #gathered = 0;
  #call: Call | undefined;
  #started: ((call: Call) => void) | undefined;
  #drained: ((isTaken: true) => void) | undefined;
  /** All of it. */
  #isScanned = false;
  #isOver = false;

  /** `onStalled`: the client is there, and sent nothing for as long as there is patience. */
  constructor(request: Request, relay: Relay, clock: Clock, patienceMs: number, onStalled: () => void) {
    this.#request = request;
    this.#relay = relay;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#onStalled = onStalled;
  }

  /** Asks the provider when it can. */
  run(): void {
    const { declaredLength } = this.#relay.plan;
    if (declaredLength === 0 || !this.#hasBody()) this.#relay.send(undefined);
    else if (declaredLength === undefined || declaredLength > MAX_WHOLE_BODY) void this.#stream();
    else void this.#readWhole(declaredLength);
  }

  /** Asking for `body` makes a stream of it: not where the head says enough. */
  #hasBody(): boolean {
    const { declaredLength, method } = this.#relay.plan;
    return (declaredLength !== undefined && method === "POST") || this.#request.body !== null;
  }

  async #readWhole(length: number): Promise<void> {
    const { exchange } = this.#relay;
    exchange.hold(length);
    const patience = setTimeout(this.#onStalled, this.#patienceMs);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await this.#request.arrayBuffer());
    } catch {
      return this.#relay.clientLeft();
    } finally {
      clearTimeout(patience);
    }
    if (this.#relay.isOver) return;
    if (bytes.length < length) return this.#relay.clientLeft();
    const whole = exchange.request.whole(bytes);
    if (typeof whole === "string") this.#relay.giveUp(whole);
    else this.#relay.send(whole);
  }

  /** Never rejects; the relay is told why it stopped. */
  async #stream(): Promise<void> {
    this.#relay.exchange.hold(MAX_WHOLE_BODY);
    const clientTurn = createReadTimeout(this.#patienceMs, this.#clock, this.#onStalled);
    this.#clientTurn = clientTurn;
    try {
      await nextTurn();
      const reader = readerOf(this.#request);
      this.#reader = reader;
      while (!this.#isOver) {
        let read = reader.readMany();
        if (read instanceof Promise) {
          // Heard of below; the client may leave before.
          if (this.#gathered > 0) read.catch(() => {});
          await this.#send();
          clientTurn.waiting();
          read = await read;
          clientTurn.pause();
        }
        if (this.#isOver || !this.#scan(read)) return;
        const isEnough = this.#isScanned || this.#gathered > MAX_WHOLE_BODY;
        // A read makes Bun bring what it has besides, by the next microtask.
        await (isEnough ? this.#send() : undefined);
      }
    } catch {
      if (!this.#isOver) this.#relay.clientLeft();
    }
  }

  /** False: it may not go on, and an event has told why. */
  #scan({ value = [], done }: ReadMany): boolean {
    const body = this.#relay.exchange.request;
    for (const chunk of value) {
      this.#gathered += chunk.length;
      this.#chunks.push(chunk);
      if (!this.#add(body.push(chunk))) return false;
    }
    // A declared body needs no last read that says so.
    this.#isScanned = done || body.bytes === this.#relay.plan.declaredLength;
    if (!this.#isScanned) return true;
    if (this.#isWhole()) return this.#add(body.end());
    this.#relay.clientLeft();
    return false;
  }

  #add(pieces: readonly Uint8Array[] | ErrorCode): boolean {
    if (typeof pieces !== "string") return this.#pieces.push(...pieces) > -1;
    this.#relay.giveUp(pieces);
    return false;
  }

  async #send(): Promise<void> {
    if (this.#gathered === 0 && !this.#isScanned) return;
    const call = this.#call ?? (await this.#ask());
    if (this.#isScanned) this.#stop();
    const isTaken = this.#isScanned ? call.end(this.#pieces) : call.write(this.#pieces);
    if (!isTaken) this.#relay.awaitProvider();
    if (isTaken || (!this.#isScanned && (await this.#drain())))
      for (const chunk of this.#chunks) freeChunk(chunk);
    this.#chunks = [];
    this.#pieces = [];
    this.#gathered = 0;
  }

  /** Bun closes the body of a client that left between two reads as if it had come to its end. */
  #isWhole(): boolean {
    const { bytes } = this.#relay.exchange.request;
    return !this.#request.signal.aborted && bytes === (this.#relay.plan.declaredLength ?? bytes);
  }

  /** Not before there is something to send: a peer closes a kept connection that a slow client leaves silent. */
  async #ask(): Promise<Call> {
    this.#relay.send(this);
    return (
      this.#call ??
      new Promise((resolve) => {
        this.#started = resolve;
      })
    );
  }

  /** Connected. */
  start(call: Call): void {
    this.#call = call;
    this.#started?.(call);
  }

  #drain(): Promise<true> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  onDrain(): void {
    this.#drained?.(true);
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#stop();
    void this.#reader?.cancel().catch(() => {});
  }

  #stop(): void {
    this.#isOver = true;
    this.#clientTurn?.stop();
  }
}

/** The DOM's types do not know `readMany`. */
const readerOf = ({ body }: Request): ManyReader =>
  body!.getReader() as ReadableStreamDefaultReader<Uint8Array> & ManyReader;

/** By then what came along with the head is there: a read that has to wait for it costs 5 µs more. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
