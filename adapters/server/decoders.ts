/** Side decoders for providers that compress in spite of `identity`, over the runtime's zlib. */
import type { Duplex } from "node:stream";
import type * as Zlib from "node:zlib";
import type { BodyDecoder, CreateDecoder } from "../../src/gateway/ports.ts";

/** Older runtimes have no zstd: what cannot be decoded is metered as `none`. */
const DECODERS: Readonly<Record<string, (zlib: typeof Zlib) => Duplex | undefined>> = {
  gzip: (zlib) => zlib.createGunzip(),
  "x-gzip": (zlib) => zlib.createGunzip(),
  br: (zlib) => zlib.createBrotliDecompress(),
  deflate: (zlib) => zlib.createInflate(),
  zstd: (zlib) => zlib.createZstdDecompress?.(),
};

export const createZlibDecoder: CreateDecoder = (encoding, onData) => {
  if (!Object.hasOwn(DECODERS, encoding)) return undefined;
  // Not before a provider compresses: it takes Bun 3 ms to load.
  const stream = DECODERS[encoding]?.(process.getBuiltinModule("node:zlib"));
  return stream && decoderOver(stream, onData);
};

/** A chunk is decoded before the next is taken, so that no more than one is kept. */
function decoderOver(stream: Duplex, onData: (bytes: Uint8Array) => void): BodyDecoder {
  let failure: Error | undefined;
  let isOver = false;
  let waiting = Promise.withResolvers<void>();
  stream.on("data", onData);
  stream.once("error", (error) => {
    failure = error;
    waiting.reject(error);
  });
  stream.once("end", () => {
    isOver = true;
    waiting.resolve();
  });
  /** zlib calls nothing back for a chunk in which it fails or finds the end of its stream: the events tell. */
  const step = (start: (done: () => void) => void): Promise<void> => {
    waiting = Promise.withResolvers<void>();
    if (failure) waiting.reject(failure);
    // What follows that end is no part of it.
    else if (isOver) waiting.resolve();
    else start(waiting.resolve);
    return waiting.promise;
  };
  return {
    push: (chunk) => step((done) => stream.write(chunk, () => done())),
    end: () => step(() => stream.end()).finally(() => stream.destroy()),
  };
}
