/** A request body on its way up: read from Bun at the provider's pace, through the scanner. */
import type { Plan } from "../../src/gateway/admission.ts";
import { clientPatienceMs } from "../../src/gateway/client-patience.ts";
import type { ErrorCode } from "../../src/gateway/errors.ts";
import { MAX_WHOLE_BODY } from "../../src/gateway/exchange.ts";
import type { Clock } from "../../src/gateway/ports.ts";
import { createReadTimeout, type ReadTimeout } from "../../src/gateway/read-timeout.ts";
import type { RequestBody } from "../../src/gateway/request-body.ts";
import type { Call } from "./http/call.ts";

/** What becomes of an upload. The provider must never see one completed that stops before its end. */
export interface UploadEvents {
  /** Its first part is here: the provider may be asked, and `start` called. */
  onReady(): void;
  /** With this and all below it stops before its end. It outgrew its limit, or may not be metered. */
  onRefused(code: ErrorCode): void;
  /** The client left. */
  onBrokenOff(): void;
  /** The client is there, and sends nothing more. */
  onStalled(): void;
  /** The provider takes no more. */
  onStuck(): void;
}

/** Bun's reader (https://bun.com/docs/api/streams): everything that is there at once, and a promise only where nothing is. */
interface ManyReader {
  readMany(): ReadMany | Promise<ReadMany>;
  cancel(): Promise<void>;
}

interface ReadMany {
  readonly done: boolean;
  readonly value?: readonly Uint8Array<ArrayBuffer>[];
}

/** What is there is gathered for one write, up to as much or one read more. */
export class Upload {
  readonly #request: Request;
  readonly #body: RequestBody;
  readonly #plan: Plan;
  readonly #clock: Clock;
  readonly #events: UploadEvents;
  readonly #clientTurn: ReadTimeout;
  #providerTurn: ReadTimeout | undefined;
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

  constructor(request: Request, body: RequestBody, plan: Plan, clock: Clock, events: UploadEvents) {
    this.#request = request;
    this.#body = body;
    this.#plan = plan;
    this.#clock = clock;
    this.#events = events;
    const patienceMs = clientPatienceMs(plan.settings.config);
    this.#clientTurn = createReadTimeout(patienceMs, clock, () => events.onStalled());
  }

  /** Never rejects; the events tell why it stopped. */
  async run(): Promise<void> {
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
          this.#clientTurn.waiting();
          read = await read;
          this.#clientTurn.pause();
        }
        if (this.#isOver || !this.#scan(read)) return;
        const isEnough = this.#isScanned || this.#gathered > MAX_WHOLE_BODY;
        // A read makes Bun bring what it has besides, by the next microtask.
        await (isEnough ? this.#send() : undefined);
      }
    } catch {
      if (!this.#isOver) this.#events.onBrokenOff();
    }
  }

  /** False: it may not go on, and an event has told why. */
  #scan({ value = [], done }: ReadMany): boolean {
    for (const chunk of value) {
      this.#gathered += chunk.length;
      this.#chunks.push(chunk);
      if (!this.#add(this.#body.push(chunk))) return false;
    }
    // A declared body needs no last read that says so.
    this.#isScanned = done || this.#body.bytes === this.#plan.declaredLength;
    if (!this.#isScanned) return true;
    if (this.#isWhole()) return this.#add(this.#body.end());
    this.#events.onBrokenOff();
    return false;
  }

  #add(pieces: readonly Uint8Array[] | ErrorCode): boolean {
    if (typeof pieces !== "string") return this.#pieces.push(...pieces) > -1;
    this.#events.onRefused(pieces);
    return false;
  }

  async #send(): Promise<void> {
    if (this.#gathered === 0 && !this.#isScanned) return;
    const call = this.#call ?? (await this.#ask());
    if (this.#isScanned) this.#stop();
    const isTaken = this.#isScanned
      ? call.end(this.#pieces)
      : call.write(this.#pieces) || (await this.#drain());
    if (isTaken) for (const chunk of this.#chunks) free(chunk);
    this.#chunks = [];
    this.#pieces = [];
    this.#gathered = 0;
  }

  /** Bun closes the body of a client that left between two reads as if it had come to its end. */
  #isWhole(): boolean {
    return (
      !this.#request.signal.aborted && this.#body.bytes === (this.#plan.declaredLength ?? this.#body.bytes)
    );
  }

  /** Not before there is something to send: a peer closes a kept connection that a slow client leaves silent. */
  async #ask(): Promise<Call> {
    this.#events.onReady();
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
    this.#providerTurn ??= createReadTimeout(
      this.#plan.settings.config.writeTimeoutSecs * 1000,
      this.#clock,
      () => this.#events.onStuck(),
    );
    this.#providerTurn.waiting();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  onDrain(): void {
    this.#providerTurn?.pause();
    this.#drained?.(true);
  }

  /** Reads no more of it. */
  cancel(): void {
    if (this.#isOver) return;
    this.#stop();
    void this.#reader?.cancel().catch(() => {});
  }

  #stop(): void {
    this.#isOver = true;
    this.#clientTurn.stop();
    this.#providerTurn?.stop();
  }
}

/** The DOM's types do not know `readMany`. */
const readerOf = ({ body }: Request): ManyReader =>
  body!.getReader() as ReadableStreamDefaultReader<Uint8Array> & ManyReader;

/** By then what came along with the head is there: a read that has to wait for it costs 5 µs more. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/**
 * Gives the memory of a chunk back now, for the next read to find it warm: the garbage of an upload grows to tens of
 * megabytes before a collector comes for it, and a 100 KB prompt costs 7 µs more.
 */
function free({ buffer, byteLength }: Uint8Array<ArrayBuffer>): void {
  if (buffer.byteLength === byteLength) buffer.transfer(0);
}
