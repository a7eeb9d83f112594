/** A request body that streams up, pulled at the provider's pace through the scanner. */
import type { BodyReaders, ChunkReader } from "./body-readers.ts";
import { clientPatienceMs } from "./client-patience.ts";
import type { ErrorCode } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { createIdleTimer, type IdleTimer } from "./idle-timer.ts";
import type { Clock } from "./ports.ts";

export interface UploadOptions {
  readonly body: ReadableStream<Uint8Array>;
  readonly readers: BodyReaders | undefined;
  readonly exchange: Exchange;
  readonly readTimeout: IdleTimer;
  readonly clock: Clock;
  /** The body outgrew its limit or may not be metered: it must never be completed. */
  readonly onRefused: (code: ErrorCode) => void;
  readonly isClientGone: () => boolean;
  /** The client broke off before the body's end. */
  readonly onBrokenOff: () => void;
  /** The client is there, and sends nothing more. */
  readonly onStalled: () => void;
}

/** A source with workerd's own member for the length of a stream in bytes; other runtimes ignore it. */
export interface LengthedSource extends UnderlyingDefaultSource<Uint8Array> {
  readonly expectedLength?: number | undefined;
}

export class Upload {
  /** Made an error, never closed, unless the client's body came to its own end. */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: UploadOptions;
  readonly #reader: ChunkReader;
  readonly #clientTurn: IdleTimer;
  #isOver = false;

  constructor(options: UploadOptions) {
    const { body, readers, exchange, clock } = options;
    const { declaredLength, settings } = exchange.plan;
    this.#options = options;
    this.#reader = openReader(body, declaredLength, readers);
    this.#clientTurn = createIdleTimer(clientPatienceMs(settings.config), clock, () => {
      options.onStalled();
      this.cancel();
    });
    const source: LengthedSource = {
      // workerd declares the length of a stream only if it is told here; the header alone does not count there.
      expectedLength: exchange.request.upstreamLength,
      pull: (controller) => this.#pull(controller),
      cancel: () => this.cancel(),
    };
    this.stream = new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
  }

  /** Nothing more of it goes up, and nobody waits for the client any longer. */
  stop(): void {
    this.#isOver = true;
    this.#clientTurn.stop();
  }

  /** Stops, and tells the client's side that nobody will read the rest. */
  cancel(): void {
    if (this.#isOver) return;
    this.stop();
    void this.#reader.cancel().catch(() => {});
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { request } = this.#options.exchange;
    for (let sent = false; !sent; ) {
      const { done, value } = await this.#next();
      const chunks = done ? request.end() : request.push(value);
      if (typeof chunks === "string") return this.#refuse(chunks);
      for (const chunk of chunks) controller.enqueue(chunk);
      if (done) {
        this.stop();
        request.sent();
        return controller.close();
      }
      sent = chunks.length > 0;
    }
  }

  async #next(): Promise<ReadableStreamReadResult<Uint8Array>> {
    const { readTimeout, isClientGone, onBrokenOff } = this.#options;
    // Node's own fetch goes on pulling after it was aborted.
    if (this.#isOver) throw new Error("given up");
    // It is the client that is slow now.
    readTimeout.pause();
    this.#clientTurn.waiting();
    try {
      const result = await this.#reader.read();
      // Bun closes the body of a client that left between two reads as if it had come to its end. So does a reader that was cancelled.
      if (result.done && (this.#isOver || isClientGone())) throw new Error("the client left");
      return result;
    } catch (error) {
      if (!this.#isOver) onBrokenOff();
      this.stop();
      throw error;
    } finally {
      this.#clientTurn.pause();
      readTimeout.waiting();
    }
  }

  #refuse(code: ErrorCode): never {
    this.#options.onRefused(code);
    this.cancel();
    throw new Error(code);
  }
}

function openReader(
  body: ReadableStream<Uint8Array>,
  length: number | undefined,
  readers: BodyReaders | undefined,
): ChunkReader {
  if (!readers) return body.getReader();
  // One that does not say its length may be spoken as it is sent.
  return length === undefined ? readers.asItComes(body, length) : readers.inPieces(body, length);
}
