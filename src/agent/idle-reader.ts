/** Reads a response body chunk by chunk, and gives up when nothing comes for too long. */
import { ModelError } from "./errors.ts";

/** The part of a `ReadableStream` reader that is needed; every runtime's body has it. */
export interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
}

/** `work`, unless it takes longer than `idleMs`: then a retryable `timeout`. */
export async function withIdleLimit<T>(work: Promise<T>, idleMs: number, waitedFor: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ModelError("timeout", `no ${waitedFor} for ${idleMs / 1000} s`, { retryable: true }));
    }, idleMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Reads a finished stream to its end, so that the connection can be used again and the gateway does not record that the
 * client left. A server that keeps the stream open is cut off after `limitMs`.
 */
export async function drain(reader: ByteReader, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  try {
    for (;;) {
      const { done } = await withIdleLimit(reader.read(), Math.max(1, deadline - Date.now()), "end");
      if (done) return;
    }
  } catch {
    // The message is whole already: however the connection ends, nothing is lost.
    await reader.cancel().catch(() => undefined);
  }
}

/** The first `maxBytes` of a body as text, for an error message. */
export async function readSome(reader: ByteReader, maxBytes: number, idleMs: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  while (bytes < maxBytes) {
    const { done, value } = await withIdleLimit(reader.read(), idleMs, "data");
    if (done || !value) return text + decoder.decode();
    bytes += value.length;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel().catch(() => undefined);
  return text;
}
