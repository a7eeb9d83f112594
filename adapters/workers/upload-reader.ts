/** Reads a large upload in large pieces: on Workers a read costs some 14 µs, and by itself it finds a few KB. */
import type { OpenReader } from "../../src/gateway/upload.ts";

/** As much as the gateway counts for a body on its way. */
const PIECE_BYTES = 65_536;

/** https://developers.cloudflare.com/workers/runtime-apis/streams/readablestreambyobreader/ */
interface ByobReader extends ReadableStreamBYOBReader {
  /** Fewer bytes only at the body's end. */
  readAtLeast(minBytes: number, view: Uint8Array): Promise<ReadableStreamReadResult<Uint8Array>>;
}

/** Each piece has memory of its own: the one before may still be on its way up. */
export const openUploadReader: OpenReader = (body, length) => {
  const reader = body.getReader({ mode: "byob" }) as ByobReader; // the DOM's types do not know `readAtLeast`
  let left = length;
  return {
    async read() {
      // A byte for the end, which has to be read too.
      const bytes = Math.max(1, Math.min(PIECE_BYTES, left));
      const result = await reader.readAtLeast(bytes, new Uint8Array(bytes));
      left -= result.value?.length ?? 0;
      return result;
    },
    cancel: (reason) => reader.cancel(reason),
  };
};
