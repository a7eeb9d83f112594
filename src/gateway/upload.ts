/** A request body that streams up, pulled at the provider's pace through the scanner. */
import type { BodyReaders, ChunkReader } from "./body-readers.ts";
import { clientPatienceMs } from "./client-patience.ts";
import type { ErrorCode } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { Clock } from "./ports.ts";
import { createReadTimeout, type ReadTimeout } from "./read-timeout.ts";

export interface UploadOptions {
  readonly body: ReadableStream<Uint8Array>;
  readonly readers: BodyReaders | undefined;
  readonly exchange: Exchange;
  readonly readTimeout: ReadTimeout;
  readonly clock: Clock;
  /** The body outgrew its limit or may not be metered: it must never be completed. */
  readonly onRefused: (code: ErrorCode) => void;
  readonly isClientGone: () => boolean;
  /** The client broke off before the body's end. */
  readonly onBrokenOff: () => void;
  /** The client is there, and sends nothing more. */
  readonly onStalled: () => void;
}

/** Made an error, never closed, unless the client's body came to its own end. */
export function openUpload(options: UploadOptions): ReadableStream<Uint8Array> {
  const { exchange, readTimeout } = options;
  const { request } = exchange;
  const reader = openReader(options.body, exchange.plan.declaredLength, options.readers);
  const patienceMs = clientPatienceMs(exchange.plan.settings.config);
  const clientTurn = createReadTimeout(patienceMs, options.clock, () => {
    options.onStalled();
    void reader.cancel().catch(() => {});
  });

  const next = async (): Promise<ReadableStreamReadResult<Uint8Array>> => {
    // It is the client that is slow now.
    readTimeout.pause();
    clientTurn.waiting();
    try {
      const result = await reader.read();
      // Bun closes the body of a client that left between two reads as if it had come to its end.
      if (result.done && options.isClientGone()) throw new Error("the client left");
      return result;
    } catch (error) {
      clientTurn.stop();
      options.onBrokenOff();
      throw error;
    } finally {
      clientTurn.pause();
      readTimeout.waiting();
    }
  };
  const refuse = (code: ErrorCode): never => {
    clientTurn.stop();
    options.onRefused(code);
    void reader.cancel().catch(() => {});
    throw new Error(code);
  };
  const source: LengthedSource = {
    // workerd declares the length of a stream only if it is told here; the header alone does not count there.
    expectedLength: request.upstreamLength,
    async pull(controller) {
      for (let sent = false; !sent; ) {
        const { done, value } = await next();
        const chunks = done ? request.end() : request.push(value);
        if (typeof chunks === "string") return refuse(chunks);
        for (const chunk of chunks) controller.enqueue(chunk);
        if (done) {
          clientTurn.stop();
          request.sent();
          return controller.close();
        }
        sent = chunks.length > 0;
      }
    },
    cancel(reason) {
      clientTurn.stop();
      return reader.cancel(reason);
    },
  };
  return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
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

/** A source with workerd's own member for the length of a stream in bytes; other runtimes ignore it. */
export interface LengthedSource extends UnderlyingDefaultSource<Uint8Array> {
  readonly expectedLength?: number | undefined;
}
