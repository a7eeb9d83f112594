/** The answer to a request of Bun.serve: a whole body, or a direct stream. */
import type { ErrorResponse } from "../../src/gateway/errors.ts";
import { type AnswerHead, isAnsweredWhole, MAX_WHOLE_BODY } from "../../src/gateway/exchange.ts";
import { joined, pairs, refusalResponse, unheardResponse } from "../../src/gateway/web-response.ts";
import type { Answer } from "../server/relay.ts";
import { BodySink } from "./body-sink.ts";

/** Bun sends a head with the first byte of its body. */
const LINE_FEED = new Uint8Array([0x0a]);

/** Who hears of the client. */
export interface ClientEvents {
  clientReads(): void;
  clientLeft(): void;
}

export class BunAnswer implements Answer {
  readonly #method: string;
  readonly #patienceMs: number;
  readonly #events: ClientEvents;
  /** For a client that does not read. */
  #patience: ReturnType<typeof setTimeout> | undefined;
  readonly #given = Promise.withResolvers<Response>();
  #init: ResponseInit | undefined;
  #isBodiless = false;
  /** Before the answer is given. */
  #pieces: Uint8Array[] = [];
  #sink: BodySink | undefined;

  constructor(method: string, patienceMs: number, events: ClientEvents) {
    this.#method = method;
    this.#patienceMs = patienceMs;
    this.#events = events;
  }

  /** What Bun.serve is given. */
  get response(): Promise<Response> {
    return this.#given.promise;
  }

  begin(status: number, statusText: string, head: AnswerHead, hasBody: boolean): number {
    this.#init = { status, statusText, headers: pairs(head.headers) };
    this.#isBodiless = !hasBody;
    return isAnsweredWhole(head) ? (head.length ?? 0) : 0;
  }

  write(bytes: Uint8Array): void {
    if (this.#sink) this.#sink.write(bytes);
    else this.#pieces.push(bytes);
  }

  flush(): number {
    if (!this.#sink) this.#open();
    else if (!this.#sink.flush()) {
      this.#patience ??= setTimeout(() => this.stall(), this.#patienceMs);
      return MAX_WHOLE_BODY;
    }
    return 0;
  }

  #onDrain(): void {
    this.#endPatience();
    this.#events.clientReads();
  }

  #endPatience(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #open(): BodySink {
    const sink = new BodySink(() => this.#onDrain());
    for (const piece of this.#pieces) sink.write(piece);
    this.#pieces = [];
    this.#sink = sink;
    this.#given.resolve(new Response(sink.stream, this.#init));
    return sink;
  }

  end(): void {
    this.#endPatience();
    if (this.#sink) this.#sink.end();
    else this.#given.resolve(new Response(this.#isBodiless ? null : joined(this.#pieces), this.#init));
  }

  refuse(refusal: ErrorResponse): void {
    this.#given.resolve(refusalResponse(this.#method, refusal));
  }

  breakOff(): void {
    this.#endPatience();
    (this.#sink ?? this.#open()).breakOff();
  }

  /** The client is there, and neither sends nor reads. Only an answer that breaks off closes its connection. */
  stall(): void {
    if (!this.#sink) {
      this.#init = { status: 408 };
      this.#pieces = [LINE_FEED];
      this.#open().breakOff();
    }
    this.#events.clientLeft();
  }

  abandon(): void {
    this.#endPatience();
    this.#given.resolve(unheardResponse());
    this.#sink?.reset();
    this.#pieces = [];
  }
}
