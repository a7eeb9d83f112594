/** What a wire is to the agent: a request body, and a decoder for the stream that answers it. */
import type { SseEvent } from "../sse-reader.ts";
import type { ModelRequest, StreamEvent } from "../types.ts";

export type DialectName = "openai" | "anthropic";

/** Turns the events of one response into `StreamEvent`s. Throws `ModelError` on an error event or on what is not the wire. */
export interface StreamDecoder {
  push(event: SseEvent): StreamEvent[];
  /** The protocol's own end was received. A stream that ends without it was cut. */
  readonly done: boolean;
}

export interface Dialect {
  readonly name: DialectName;
  /** The JSON body, ready to be stringified. */
  encode(request: ModelRequest): Record<string, unknown>;
  createDecoder(): StreamDecoder;
  /** Where the credential and the version go. */
  headers(key: string): Record<string, string>;
}
