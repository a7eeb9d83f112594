/** A response body on its way down: pulled by the client's reader, or whole where it is small; drained for its row after the client left. */
import type { BodyReaders, ChunkReader } from "./body-readers.ts";
import { type AnswerHead, type Exchange, isAnsweredWhole, MAX_WHOLE_BODY, type Write } from "./exchange.ts";
import type { IdleTimer } from "./idle-timer.ts";
import type { LengthedSource } from "./upload.ts";
import { joined } from "./web-response.ts";

export interface DownloadOptions {
  readonly body: ReadableStream<Uint8Array>;
  readonly head: AnswerHead;
  readonly readers: BodyReaders | undefined;
  readonly exchange: Exchange;
  readonly readTimeout: IdleTimer;
  readonly isClientGone: () => boolean;
  /** Gives the provider's request up. */
  readonly abort: () => void;
  /** Nothing more is read of the response. */
  readonly onEnd: () => void;
  /** Keeps work alive after the response, where the runtime would stop it. */
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined;
}

export class Download {
  readonly #options: DownloadOptions;
  readonly #exchange: Exchange;
  readonly #reader: ChunkReader;
  readonly #settled = Promise.withResolvers<void>();
  /** Whoever reads for the client; it never rejects. */
  #reading: Promise<unknown> | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #clientGone = false;
  #ended = false;

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.#exchange = options.exchange;
    this.#reader = this.#openReader();
    // A runtime that stops a request's work when its client leaves (Workers) must let it end in a row.
    options.waitUntil?.(this.#settled.promise);
  }

  async open(): Promise<BodyInit> {
    const { head } = this.#options;
    const { length } = head;
    if (!isAnsweredWhole(head)) return this.#stream(length);
    const whole = this.#whole(length ?? 0);
    this.#reading = whole;
    return whole;
  }

  #openReader(): ChunkReader {
    const { body, head, readers } = this.#options;
    // Events are small, whatever reads them.
    return readers && !head.isStream ? readers.asItComes(body, head.length) : body.getReader();
  }

  /** The client is gone, as its reader or its connection says; both may. */
  clientLeft(): void {
    if (this.#clientGone || this.#ended) return;
    this.#clientGone = true;
    // A server has cancelled the body by then. In process nobody does, and who reads it would wait for ever.
    if (this.#controller) void breakOff(this.#controller, new DOMException("the client left", "AbortError"));
    if (this.#exchange.clientLeft()) void this.#drain();
    else this.#giveUp();
  }

  async #whole(length: number): Promise<BodyInit> {
    const chunks: Uint8Array[] = [];
    this.#exchange.hold(length);
    try {
      while (!this.#ended) await this.#next((bytes) => void chunks.push(bytes));
    } catch {
      this.#end("upstream_cut");
      return brokenOff(chunks, length);
    }
    return joined(chunks);
  }

  #stream(length: number | undefined): ReadableStream<Uint8Array> {
    this.#exchange.hold(MAX_WHOLE_BODY);
    const source: LengthedSource = {
      expectedLength: length,
      start: (controller) => {
        this.#controller = controller;
      },
      pull: (controller) => {
        const pulled = this.#pull(controller);
        this.#reading = pulled;
        return pulled;
      },
      cancel: () => this.clientLeft(),
    };
    return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    let wrote = false;
    const write: Write = (bytes) => {
      wrote = true;
      if (this.#clientGone) return;
      try {
        controller.enqueue(bytes);
      } catch {
        // The runtime has closed the stream over a client that left (workerd, before it says so otherwise).
        this.clientLeft();
      }
    };
    try {
      while (!wrote && !this.#ended && !this.#clientGone) await this.#next(write);
      if (this.#ended && !this.#clientGone) controller.close();
    } catch {
      if (this.#clientGone) return;
      this.#exchange.flush(write);
      this.#end("upstream_cut");
      await breakOff(controller, providerBrokeOff());
    }
  }

  /** Relays one chunk, or ends the exchange. */
  async #next(write: Write): Promise<void> {
    const { readTimeout } = this.#options;
    readTimeout.waiting();
    const { done, value } = await this.#reader.read();
    readTimeout.pause();
    if (!done) {
      const decoding = this.#exchange.relay(value, write);
      if (decoding) await decoding;
      return;
    }
    this.#exchange.flush(write);
    this.#end("complete");
  }

  #end(ending: "complete" | "upstream_cut"): void {
    this.#ended = true;
    this.#options.readTimeout.stop();
    this.#options.onEnd();
    this.#exchange.finish(this.#clientGone || this.#options.isClientGone() ? "client_gone" : ending);
    this.#settled.resolve();
  }

  /** Reads on for the row, within bounds. */
  async #drain(): Promise<void> {
    const { drainMaxBytes, drainMaxSecs } = this.#exchange.plan.settings.config;
    const timer = setTimeout(this.#options.abort, drainMaxSecs * 1000);
    // Its read is pending, and workerd allows one at a time.
    await this.#reading;
    try {
      for (let left = drainMaxBytes; left > 0 && !this.#ended; ) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        left -= value.length;
        await this.#exchange.drain(value);
      }
    } catch {
      // Whatever stopped the provider, the row says what was seen.
    }
    clearTimeout(timer);
    this.#giveUp();
  }

  #giveUp(): void {
    // The row first: cancelling makes errors that are not the provider's.
    this.#end("upstream_cut");
    this.#options.abort();
    void this.#reader.cancel().catch(() => {});
  }
}

/** A turn later: Bun drops chunks that an error follows in the same turn of its loop. */
async function breakOff(controller: ReadableStreamDefaultController, error: Error): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  controller.error(error);
}

/** Not the runtime's own error: that one tells the provider's URL, query and all, to whoever prints it. */
const providerBrokeOff = (): Error => new Error("the provider broke the response off");

function brokenOff(chunks: readonly Uint8Array[], length: number): BodyInit {
  let at = 0;
  const source: LengthedSource = {
    expectedLength: length,
    pull: (controller) =>
      at < chunks.length ? controller.enqueue(chunks[at++]!) : breakOff(controller, providerBrokeOff()),
  };
  return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
}
