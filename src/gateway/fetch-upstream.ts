/** The portable way to the providers: the runtime's own `fetch`. Correct everywhere; adapters bring faster ones. */
import { type Upstream, UpstreamError, type UpstreamRequest, type UpstreamResponse } from "./ports.ts";

/** How often a failed connection is tried again. */
export const CONNECT_RETRIES = 2;

export interface FetchUpstreamOptions {
  readonly fetch?: typeof fetch;
  /** Runtime members of `RequestInit`: Bun's `decompress: false`, workerd's `encodeResponseBody: "manual"`. */
  readonly init?: Readonly<Record<string, unknown>>;
  /** Members for requests whose body is a stream; `duplex` is what Node asks for. */
  readonly streamInit?: Readonly<Record<string, unknown>>;
  /** Makes a streamed body of `length` bytes what the runtime declares that length for, as workerd's `FixedLengthStream`. */
  readonly streamBody?: (
    body: ReadableStream<Uint8Array>,
    length: number | undefined,
  ) => ReadableStream<Uint8Array>;
  /** Whether an error of `fetch` means that no connection was made, so that nothing can have been sent. */
  readonly isConnectFailure?: (error: unknown) => boolean;
  /**
   * The runtime decodes bodies and cannot be told not to (Node's own fetch): what says they are encoded, or how long they
   * are, is then no longer true and is taken off.
   */
  readonly decodesBodies?: boolean;
}

export function createFetchUpstream(options: FetchUpstreamOptions = {}): Upstream {
  const send = options.fetch ?? fetch;
  const isConnectFailure = options.isConnectFailure ?? (() => false);

  async function attempt(request: UpstreamRequest, signal: AbortSignal): Promise<Response> {
    const { body } = request;
    const headers = new Headers();
    for (let i = 0; i < request.headers.length; i += 2)
      headers.append(request.headers[i]!, request.headers[i + 1]!);
    const init: Record<string, unknown> = {
      ...options.init,
      ...(body instanceof ReadableStream && (options.streamInit ?? { duplex: "half" })),
      method: request.method,
      headers,
      redirect: "manual",
      signal,
    };
    if (body instanceof ReadableStream) init["body"] = options.streamBody?.(body, lengthOf(headers)) ?? body;
    else if (body) init["body"] = body;
    return send(`${request.tls ? "https" : "http"}://${request.authority}${request.path}`, init);
  }

  async function sendWithRetries(request: UpstreamRequest, signal: AbortSignal): Promise<Response> {
    for (let retry = 0; ; retry++) {
      try {
        return await attempt(request, signal);
      } catch (error) {
        const replayable = !(request.body instanceof ReadableStream);
        if (signal.aborted || !replayable || retry === CONNECT_RETRIES || !isConnectFailure(error))
          throw error;
        request.onConnectRetry();
      }
    }
  }

  return {
    async send(request) {
      const idle = createIdleTimer(request.readTimeoutMs, request.signal);
      try {
        const response = await sendWithRetries(request, idle.signal);
        return toUpstreamResponse(response, idle, options.decodesBodies ?? false);
      } catch (error) {
        idle.stop();
        if (request.signal.aborted) throw error;
        throw new UpstreamError(idle.expired() ? "upstream_timeout" : "upstream_unreachable", error);
      }
    },
  };
}

function lengthOf(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  return length === null ? undefined : Number(length);
}

interface IdleTimer {
  readonly signal: AbortSignal;
  expired(): boolean;
  /** Begins to count anew. */
  touch(): void;
  /** Stands still, while it is the client that is slow. */
  pause(): void;
  /** For good. */
  stop(): void;
}

/** Aborts when nothing has come for `ms`, or when `outer` aborts. */
function createIdleTimer(ms: number, outer: AbortSignal): IdleTimer {
  const controller = new AbortController();
  let isExpired = false;
  const expire = (): void => {
    isExpired = true;
    controller.abort();
  };
  const onOuter = (): void => controller.abort();
  if (outer.aborted) controller.abort();
  outer.addEventListener("abort", onOuter, { once: true });
  let timer = setTimeout(expire, ms);
  return {
    signal: controller.signal,
    expired: () => isExpired,
    touch() {
      clearTimeout(timer);
      timer = setTimeout(expire, ms);
    },
    pause: () => clearTimeout(timer),
    stop() {
      clearTimeout(timer);
      outer.removeEventListener("abort", onOuter);
    },
  };
}

function toUpstreamResponse(response: Response, idle: IdleTimer, decoded: boolean): UpstreamResponse {
  const isEncoded = decoded && response.headers.has("content-encoding");
  if (!response.body) idle.stop();
  else idle.pause();
  const headers: string[] = [];
  for (const [name, value] of response.headers) {
    if (isEncoded && (name === "content-encoding" || name === "content-length")) continue;
    headers.push(name, value);
  }
  const { status, statusText } = response;
  return { status, statusText, headers, body: response.body && watched(response.body, idle) };
}

/** The body, with the gap between two chunks under the idle timer. A read that the client does not ask for does not count. */
function watched(body: ReadableStream<Uint8Array>, idle: IdleTimer): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        idle.touch();
        try {
          const { done, value } = await reader.read();
          idle.pause();
          if (!done) return controller.enqueue(value);
          idle.stop();
          controller.close();
        } catch (error) {
          idle.stop();
          throw error;
        }
      },
      cancel(reason) {
        idle.stop();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
