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
  const ended = Promise.withResolvers<void>();
  stream.on("data", onData);
  stream.once("end", () => ended.resolve());
  stream.once("error", (error) => {
    failure = error;
    ended.resolve();
  });
  return {
    push: (chunk) =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        stream.write(chunk, (error) => (error ? reject(error) : resolve()));
      }),
    end: async () => {
      if (!failure) stream.end();
      await ended.promise;
      stream.destroy();
      if (failure) throw failure;
    },
  };
}
