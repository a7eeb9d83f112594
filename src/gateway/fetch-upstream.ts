/** The portable way to the providers: the runtime's own `fetch`. The relay's read timeout reaches it through its signal. */
import {
  CONNECT_RETRIES,
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from "./ports.ts";
import { headersOf } from "./web-headers.ts";

/**
 * Nothing can have been sent. Codes of the system, of undici (https://undici.nodejs.org/#/docs/api/Errors) and of Bun;
 * workerd's errors have none, so nobody can tell there.
 */
const CONNECT_FAILURES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);

export interface FetchUpstreamOptions {
  readonly fetch?: typeof fetch;
  /** Runtime members of `RequestInit`: Bun's `decompress: false`, workerd's `encodeResponseBody: "manual"`. */
  readonly init?: Readonly<Record<string, unknown>>;
  /** Members for requests whose body is a stream; `duplex` is what Node asks for. */
  readonly streamInit?: Readonly<Record<string, unknown>>;
  /**
   * The runtime decodes bodies and cannot be told not to (Node's own fetch): what says they are encoded, or how long they
   * are, is then no longer true and is taken off.
   */
  readonly decodesBodies?: boolean;
}

export function createFetchUpstream(options: FetchUpstreamOptions = {}): Upstream {
  const send = options.fetch ?? fetch;

  function attempt(request: UpstreamRequest): Promise<Response> {
    const { body } = request;
    // `decompress`, `duplex` and the like are no members of the DOM's RequestInit.
    const init: Record<string, unknown> = {
      ...options.init,
      ...(body instanceof ReadableStream && (options.streamInit ?? { duplex: "half" })),
      method: request.method,
      headers: headersOf(request.headers),
      redirect: "manual",
      signal: request.signal,
      ...(body && { body }),
    };
    return send(`${request.tls ? "https" : "http"}://${request.authority}${request.path}`, init);
  }

  return {
    async send(request) {
      for (let retry = 0; ; retry++) {
        try {
          return toUpstreamResponse(await attempt(request), options.decodesBodies ?? false);
        } catch (error) {
          if (request.signal.aborted) throw error;
          const code = codeOf(error);
          const isConnectFailure = code !== undefined && CONNECT_FAILURES.has(code);
          const isReplayable = !(request.body instanceof ReadableStream);
          if (!isConnectFailure || !isReplayable || retry === CONNECT_RETRIES) {
            const connected = code !== undefined && !isConnectFailure;
            throw new UpstreamError("upstream_unreachable", error, connected);
          }
          request.onConnectRetry();
        }
      }
    },
  };
}

/** `fetch` of Node wraps what went wrong, Bun's does not. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = (error.cause instanceof Error ? error.cause : error) as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
}

function toUpstreamResponse(response: Response, decoded: boolean): UpstreamResponse {
  const { status, statusText, body } = response;
  const isEncoded = decoded && response.headers.has("content-encoding");
  const headers: string[] = [];
  for (const [name, value] of response.headers) {
    if (isEncoded && (name === "content-encoding" || name === "content-length")) continue;
    headers.push(name, value);
  }
  return { status, statusText, headers, body };
}
