/** What a runtime hands the gateway. The core knows these interfaces and no runtime. */

/** Flat list `[name, value, name, value, …]`, names in any case. Cheaper than a map, and it keeps order and duplicates. */
export type HeaderList = readonly string[];

/** Why a tenant or a key is refused. `unknown` is any reason this version does not know: it denies as fraud does. */
export type DenyReason = "spend" | "fraud" | "unknown";

/** Where denies come from. A failing source must fail open: answer `undefined`. */
export interface DenySource {
  /**
   * Ids are u64 as canonical decimal text; `keyId` is undefined for v1 keys. The tenant's entry is asked first.
   * Synchronous wherever the set is in memory, so that the hot path awaits nothing.
   */
  lookup(
    tenantId: string,
    keyId: string | undefined,
  ): DenyReason | undefined | Promise<DenyReason | undefined>;
  /** Entries held, for `ai_deny_set_size`. */
  size?(): number;
  /** False while the source cannot be reached (readyz says `degraded`); undefined where there is nothing to connect to. */
  connected?(): boolean | undefined;
}

/** A per-credential ceiling kept elsewhere, as Cloudflare's rate-limiting binding. `true` lets the request pass. */
export type AllowCredential = (credential: string) => boolean | Promise<boolean>;

/** RFC 8032 verification by the runtime's native Ed25519. `publicKey` is 32 bytes, `signature` 64. */
export type VerifySignature = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/** Time, injected so that tests can hold it still. */
export interface Clock {
  /** Milliseconds since the epoch; may step. Used for timestamps. */
  now(): number;
  /** Milliseconds from any origin, never going back. Used for durations and ceilings. */
  monotonic(): number;
}

/** One diagnostic. Goes to stderr as a JSON line on servers; never carries a credential. */
export type Log = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  fields?: Record<string, unknown>,
) => void;

/** A request as it goes to a provider. */
export interface UpstreamRequest {
  /** `host:port`. */
  readonly authority: string;
  readonly tls: boolean;
  readonly method: string;
  /** Path and query, verbatim. */
  readonly path: string;
  readonly headers: HeaderList;
  /** Whole, streamed, or none. A stream with a declared length has `content-length` among the headers. */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | undefined;
  /** Aborted when the client left or the request was given up, as when the provider was silent for too long. */
  readonly signal: AbortSignal;
  /** Called once before each connect retry. */
  readonly onConnectRetry: () => void;
}

/** What came back. Redirects are not followed and bodies are not decoded, where the runtime allows it. */
export interface UpstreamResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderList;
  readonly body: ReadableStream<Uint8Array> | null;
}

/** How often a failed connection is tried again (gateway.md §5). */
export const CONNECT_RETRIES = 2;

/** The way to the providers. Rejects with `UpstreamError` when there is no response head. */
export interface Upstream {
  send(request: UpstreamRequest): Promise<UpstreamResponse>;
}

/** No response head came. */
export class UpstreamError extends Error {
  readonly code: "upstream_unreachable" | "upstream_timeout";
  /** A connection was made, so the provider may have had the request. False also where nobody can tell. */
  readonly connected: boolean;
  constructor(code: "upstream_unreachable" | "upstream_timeout", cause?: unknown, connected = false) {
    super(code, cause === undefined ? undefined : { cause });
    this.name = "UpstreamError";
    this.code = code;
    this.connected = connected;
  }
}

/**
 * A streaming decoder for one compressed response, fed with a side copy for the tap alone.
 * `push` hands decoded bytes to `onData` before its promise settles (or at once, returning undefined).
 */
export interface BodyDecoder {
  push(chunk: Uint8Array): void | Promise<void>;
  /** Flushes; rejects when the compressed stream was cut or malformed (what was decoded before still counts). */
  end(): void | Promise<void>;
}

/** Gives a decoder for a `content-encoding` the runtime can read, else undefined. */
export type CreateDecoder = (
  encoding: string,
  onData: (bytes: Uint8Array) => void,
) => BodyDecoder | undefined;
