/** A client of providers that tells what becomes of a request as it happens: no promise and no stream between socket and relay. */
import type { HeaderList } from "../../../../src/gateway/ports.ts";

export interface CallRequest {
  /** `host:port`. */
  readonly authority: string;
  readonly tls: boolean;
  readonly method: string;
  /** Path and query, verbatim. */
  readonly path: string;
  readonly headers: HeaderList;
  /** `streamed`: it comes through `write` and `end`, with its length among the headers or in chunks. */
  readonly body: Uint8Array | "streamed" | undefined;
}

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  /** Names as spelled. */
  readonly headers: HeaderList;
}

/** What becomes of a call. Nothing is told after `onEnd`, `onFailed` or `abort`. */
export interface CallEvents {
  /** Before each new try to connect. */
  onConnectRetry(): void;
  /** Connected. A streamed body may be written from now on; the head goes with its first part. */
  onStart(call: Call): void;
  /** A streamed body may be written on. */
  onDrain(): void;
  /** The kernel has taken the whole request. */
  onSent(): void;
  /** Once; interim responses (1xx) are left out. `hasBody` is false where the framing leaves no room for one. */
  onHead(head: ResponseHead, hasBody: boolean): void;
  /** The bytes are the listener's own. */
  onData(bytes: Uint8Array): void;
  /** After the events of one read of the socket, while the response goes on. */
  onRead(): void;
  onEnd(): void;
  /** There is no (more) response. */
  onFailed(error: Error): void;
}

/** One request to a provider and its response. */
export interface Call {
  /**
   * A part of a streamed body, in pieces. True: it is taken, and its memory is not needed any more. False: `onDrain` must
   * come before the next part.
   */
  write(pieces: readonly Uint8Array[]): boolean;
  /** The last part, which may be empty. As `write`, but that `onSent` comes in place of `onDrain`. */
  end(pieces: readonly Uint8Array[]): boolean;
  /** No more of the response for now. */
  pause(): void;
  resume(): void;
  /** The provider is told by the end of its connection, or of its stream. */
  abort(): void;
}

export interface HttpClient {
  /** Events may come before it returns. */
  call(request: CallRequest, events: CallEvents): Call;
  /** Ends every connection now. */
  close(): void;
}
