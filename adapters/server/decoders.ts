/** Side decoders for providers that compress in spite of `identity`, over the runtime's zlib. */
import type { Duplex } from "node:stream";
import * as zlib from "node:zlib";
import type { BodyDecoder, CreateDecoder } from "../../src/gateway/ports.ts";

/** Older runtimes have no zstd: what cannot be decoded is metered as `none`. */
const DECODERS: Readonly<Record<string, (() => Duplex) | undefined>> = {
  gzip: () => zlib.createGunzip(),
  "x-gzip": () => zlib.createGunzip(),
  br: () => zlib.createBrotliDecompress(),
  deflate: () => zlib.createInflate(),
  ...(zlib.createZstdDecompress && { zstd: () => zlib.createZstdDecompress() }),
};

export const createZlibDecoder: CreateDecoder = (encoding, onData) => {
  const open = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  return open && decoderOver(open(), onData);
};

/** A chunk is decoded before the next is taken, so that no more than one is kept. */
function decoderOver(stream: Duplex, onData: (bytes: Uint8Array) => void): BodyDecoder {
  let failure: Error | undefined;
  let onFailure: (error: Error) => void = () => {};
  stream.on("data", onData);
  stream.once("error", (error) => {
    failure = error;
    onFailure(error);
  });
  /** zlib calls nothing back once it has failed, so whoever waits is told by the error itself. */
  const step = (start: (done: () => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      if (failure) return reject(failure);
      onFailure = reject;
      start(resolve);
    });
  return {
    push: (chunk) => step((done) => stream.write(chunk, () => done())),
    end: () => step((done) => stream.once("end", done).end()).finally(() => stream.destroy()),
  };
}
