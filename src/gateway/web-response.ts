/** Web `Response` objects from what the gateway's steps give. */
import type { ErrorResponse } from "./errors.ts";
import { headersOf } from "./web-headers.ts";

/** `init`: further members for the runtime, as workerd's `encodeBody: "manual"`. */
export function refusalResponse(
  method: string,
  { status, headers, body }: ErrorResponse,
  init?: Readonly<Record<string, unknown>>,
): Response {
  return new Response(method === "HEAD" ? null : body, { ...init, status, headers: headersOf(headers) });
}

/** Nobody reads it; a runtime that writes it all the same writes to a closed connection. */
export const unheardResponse = (): Response => new Response(null, { status: 499 });

/** For a client that began a body and sends nothing more of it (RFC 9110 §15.5.9). */
export const stalledResponse = (): Response => new Response(null, { status: 408 });

/** The pieces of a small body as one. The DOM's types want to know that none is over shared memory; none is. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (chunks.length === 1) return chunks[0] as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
