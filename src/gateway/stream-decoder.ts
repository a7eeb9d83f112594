/** Side decoders over the Web's `DecompressionStream`, for runtimes without a zlib of their own. */
import type { CreateDecoder } from "./ports.ts";

/** Names by RFC 9110 §8.4.1; runtimes differ in which they have. */
const FORMATS: Readonly<Record<string, string>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
  br: "brotli",
  zstd: "zstd",
};

export const createStreamDecoder: CreateDecoder = (encoding, onData) => {
  const stream = openStream(encoding);
  if (!stream) return undefined;
  const writer = stream.writable.getWriter();
  const read = readAll(stream.readable, onData);
  // Whoever ends the decoder hears of the failure; until then it is nobody's unhandled rejection.
  read.catch(() => {});
  return {
    push: (chunk) => writer.write(chunk as Uint8Array<ArrayBuffer>),
    end: async () => {
      await Promise.all([writer.close(), read]);
    },
  };
};

function openStream(encoding: string): DecompressionStream | undefined {
  const format = Object.hasOwn(FORMATS, encoding) ? FORMATS[encoding] : undefined;
  if (format === undefined) return undefined;
  try {
    return new DecompressionStream(format as CompressionFormat);
  } catch {
    return undefined; // A format this runtime does not have.
  }
}

async function readAll(
  stream: ReadableStream<Uint8Array>,
  onData: (bytes: Uint8Array) => void,
): Promise<void> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onData(value);
  }
}
