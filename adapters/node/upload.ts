/** A request's body on its way up: a small one read whole, a larger one chunk by chunk at the provider's pace. */
import type { IncomingMessage } from "node:http";
import type { Stream } from "node:stream";
import type { ErrorCode } from "../../src/gateway/errors.ts";
import { type Exchange, MAX_WHOLE_BODY } from "../../src/gateway/exchange.ts";
import type { Clock } from "../../src/gateway/ports.ts";
import { createReadTimeout, type ReadTimeout } from "../../src/gateway/read-timeout.ts";
import { asReadable, BodyStream } from "./body-stream.ts";

export interface UploadEvents {
  /** There is no body, or all of it is here, or it can be pulled: the request may be sent. */
  ready(): void;
  refused(code: ErrorCode): void;
  /** The provider took nothing for `write_timeout_secs`. */
  stalled(): void;
}

export class Upload {
  readonly #request: IncomingMessage;
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  readonly #events: UploadEvents;
  /** The whole body, kept until the head is here: for a connect retry or the next pool key. */
  #whole: Uint8Array | undefined;
  /** Chunks of a small body that is not here yet. */
  #chunks: Buffer[] = [];
  #streams = false;
  #isRead = false;
  #stream: BodyStream | undefined;
  #providerTurn: ReadTimeout | undefined;

  constructor(request: IncomingMessage, exchange: Exchange, clock: Clock, events: UploadEvents) {
    this.#request = request;
    this.#clock = clock;
    this.#exchange = exchange;
    this.#events = events;
  }

  start(): void {
    const { declaredLength } = this.#exchange.plan;
    const hasBody =
      declaredLength === undefined ? "transfer-encoding" in this.#request.headers : declaredLength > 0;
    if (!hasBody) this.#events.ready();
    else if (declaredLength === undefined || declaredLength > MAX_WHOLE_BODY) this.#startStream();
    else this.#readWhole(declaredLength);
  }

  /** The body for one try at the provider. */
  open(): Uint8Array | Stream | null {
    if (!this.#streams) return this.#whole ?? null;
    this.#stream = new BodyStream(this.#awaitProvider, this.#readMore);
    const { upstreamHttp2 } = this.#exchange.plan.settings.config;
    return upstreamHttp2 ? asReadable(this.#stream) : this.#stream;
  }

  /** What the provider is told to expect; undefined when nobody knows. */
  get length(): number | undefined {
    const { plan, request } = this.#exchange;
    return this.#whole?.length ?? (this.#streams ? request.upstreamLength : plan.declaredLength);
  }

  /** The provider has answered: there will be no other try. */
  forget(): void {
    this.#whole = undefined;
  }

  /** The provider has taken it all. */
  sent(): void {
    this.#providerTurn?.stop();
    this.#exchange.request.sent();
  }

  /** Nothing more goes up, and nobody is waited for. */
  stop(): void {
    this.#providerTurn?.stop();
    this.#stream?.destroy();
  }

  /** As `stop`. What came of a small body counts in its row. */
  clientLeft(): void {
    for (const chunk of this.#chunks) this.#exchange.request.push(chunk);
    this.stop();
  }

  #readWhole(length: number): void {
    this.#exchange.hold(length);
    this.#request.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    this.#request.once("end", () => {
      const [first] = this.#chunks;
      const read = this.#chunks.length === 1 ? first! : Buffer.concat(this.#chunks);
      this.#chunks = [];
      const body = this.#exchange.request.whole(read);
      if (typeof body === "string") return this.#refuse(body);
      this.#whole = body;
      this.#events.ready();
    });
  }

  #startStream(): void {
    this.#streams = true;
    this.#exchange.hold(MAX_WHOLE_BODY);
    const { writeTimeoutSecs } = this.#exchange.plan.settings.config;
    this.#providerTurn = createReadTimeout(writeTimeoutSecs * 1000, this.#clock, () =>
      this.#events.stalled(),
    );
    this.#events.ready();
  }

  /** Not before the provider asks for it: of a body without bytes, even a paused request would tell the end. */
  #read(): void {
    this.#isRead = true;
    const { declaredLength } = this.#exchange.plan;
    const body = this.#exchange.request;
    let isEnded = false;
    this.#request.on("data", (chunk: Buffer) => {
      const chunks = body.push(chunk);
      // In one write with the last chunk: what the edit adds at the end would else be a write of its own.
      isEnded = body.bytes === declaredLength;
      this.#send(chunks, isEnded ? body.end() : undefined);
    });
    this.#request.once("end", () => {
      if (!isEnded) this.#send([], body.end());
    });
  }

  /** `rest` is there when the client has sent it all. */
  #send(
    chunks: readonly Uint8Array[] | ErrorCode,
    rest: readonly Uint8Array[] | ErrorCode | undefined,
  ): void {
    if (typeof chunks === "string") return this.#refuse(chunks);
    if (typeof rest === "string") return this.#refuse(rest);
    const pieces = rest && rest.length > 0 ? [Buffer.concat([...chunks, ...rest])] : chunks;
    for (const piece of pieces) this.#stream?.emit("data", piece);
    if (rest) this.#stream?.emit("end");
  }

  #refuse(code: ErrorCode): void {
    this.#request.removeAllListeners("data").removeAllListeners("end");
    this.#events.refused(code);
  }

  /** The provider takes no more for now: the client waits, and the provider has `write_timeout_secs`. */
  readonly #awaitProvider = (): void => {
    this.#request.pause();
    this.#providerTurn?.waiting();
  };

  readonly #readMore = (): void => {
    this.#providerTurn?.pause();
    if (this.#isRead) this.#request.resume();
    else this.#read();
  };
}
