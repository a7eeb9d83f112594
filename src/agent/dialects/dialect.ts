/** What a wire is to the agent: a request body, and a decoder for the stream that answers it. */
import type { SseEvent } from "../sse-reader.ts";
import type { ModelRequest, StreamEvent } from "../types.ts";

export type DialectName = "openai" | "anthropic";

/** Turns the events of one response into `StreamEvent`s. Throws `ModelError` for an error event, or an event that the wire does not have. */
export interface StreamDecoder {
  push(event: SseEvent): StreamEvent[];
  /** The protocol's own end has come. A stream that ends without it was cut. */
  readonly done: boolean;
}

export interface Dialect {
  readonly name: DialectName;
  /** The JSON body, ready to be stringified. */
  encode(request: ModelRequest): Record<string, unknown>;
  createDecoder(): StreamDecoder;
  /** The headers that carry the credential and the wire's version. */
  headers(key: string): Record<string, string>;
}
