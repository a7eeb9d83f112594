/** The way to the models: one HTTP attempt through the gateway, decoded into stream events. */
import { abortedError } from "./abort.ts";
import type { DialectName, StreamDecoder } from "./dialects/dialect.ts";
import { inBandError, isContextOverflow, isQuotaError, readErrorBody } from "./dialects/error-body.ts";
import { dialects } from "./dialects/table.ts";
import { ModelError, messageOf } from "./errors.ts";
import { type ByteReader, drain, readSome, withIdleLimit } from "./idle-reader.ts";
import { asObject, asString, parseJson, wireJson } from "./json.ts";
import { isRetryableStatus, parseRetryAfter } from "./retry.ts";
import { routeModel } from "./route.ts";
import { createSseReader, type SseEvent, type SseReader } from "./sse-reader.ts";
import type { ModelRequest, ModelTransport, StreamEvent } from "./types.ts";

/** The part of `fetch` that the agent uses, so that a runtime can hand in its own. */
export type FetchPort = (
  url: string,
  init: {
    readonly method: "POST";
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly redirect: "manual";
    readonly signal: AbortSignal;
  },
) => Promise<FetchResponse>;

export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): ByteReader } | null;
}

export interface GatewayTransportOptions {
  /** `http://ai.internal`, without the `/v1`. */
  readonly baseUrl: string;
  /** The virtual key. It goes into the request's credential header and nowhere else. */
  readonly key: string;
  readonly fetch: FetchPort;
  /** Speak this wire, whatever the model's name suggests. */
  readonly dialect?: DialectName;
  /** Longest silence, before the head and between two chunks. */
  readonly idleTimeoutMs?: number;
  readonly now?: () => number;
}

const defaultIdleMs = 600_000;
const drainMs = 1_000;
const maxErrorBytes = 65_536;

export function createGatewayTransport(options: GatewayTransportOptions): ModelTransport {
  const base = options.baseUrl.replace(/\/+$/, "");
  const idleMs = options.idleTimeoutMs ?? defaultIdleMs;
  const now = options.now ?? Date.now;

  async function* attempt(request: ModelRequest, abort: AbortController): AsyncGenerator<StreamEvent> {
    const route = routeModel(request.model, options.dialect);
    const dialect = dialects[route.dialect];
    const body: Record<string, unknown> = { ...dialect.encode(request), model: route.model };
    if (!route.takesStreamOptions) delete body.stream_options;
    const response = await withIdleLimit(
      options.fetch(`${base}${route.path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "text/event-stream",
          ...dialect.headers(options.key),
        },
        body: wireJson(body),
        // A redirect would carry the credential to wherever it points.
        redirect: "manual",
        signal: abort.signal,
      }),
      idleMs,
      "answer",
    );
    const reader = response.body?.getReader();
    if (response.status !== 200) throw await refusal(response, reader, idleMs, now());
    const type = response.headers.get("content-type") ?? "";
    if (!reader || !/^text\/event-stream\b/i.test(type)) throw await notAStream(reader, type, idleMs);
    yield* decode(reader, dialect.createDecoder(), idleMs);
    await drain(reader, drainMs);
  }

  return {
    async *stream(request) {
      const abort = new AbortController();
      const stop = () => abort.abort();
      request.signal.addEventListener("abort", stop);
      if (request.signal.aborted) stop();
      try {
        yield* attempt(request, abort);
      } catch (thrown) {
        throw withoutKey(asModelError(thrown, request.signal, base), options.key);
      } finally {
        request.signal.removeEventListener("abort", stop);
        // Also when the consumer stops early: the gateway then sees at once that nobody listens.
        stop();
      }
    },
  };
}

async function* decode(
  reader: ByteReader,
  decoder: StreamDecoder,
  idleMs: number,
): AsyncGenerator<StreamEvent> {
  const sse = createSseReader();
  while (!decoder.done) {
    const { done, value } = await withIdleLimit(reader.read().catch(brokenOff), idleMs, "data");
    if (done || !value) throw cutShort();
    for (const event of events(sse, value)) yield* decoder.push(event);
  }
}

function cutShort(): ModelError {
  return new ModelError("cut_short", "the model's stream broke off before its end", { retryable: true });
}

function brokenOff(): never {
  throw cutShort();
}

function events(sse: SseReader, bytes: Uint8Array): SseEvent[] {
  try {
    return sse.push(bytes);
  } catch (thrown) {
    throw new ModelError("bad_stream", `the model's stream is unusable: ${messageOf(thrown)}`);
  }
}

async function refusal(
  response: FetchResponse,
  reader: ByteReader | undefined,
  idleMs: number,
  nowMs: number,
): Promise<ModelError> {
  const { status, headers } = response;
  const text = reader ? await readSome(reader, maxErrorBytes, idleMs).catch(() => "") : "";
  const body = readErrorBody(parseJson(text)) ?? { message: text.trim().slice(0, 500) || "no message" };
  const retryable =
    isRetryableStatus(status) &&
    !isQuotaError(body) &&
    headers.get("x-should-retry")?.toLowerCase() !== "false";
  const retryAfterMs = parseRetryAfter((name) => headers.get(name), nowMs);
  const denied = status === 402 || status === 403 ? "denied: " : "";
  return new ModelError(
    body.code ?? body.type ?? `http_${status}`,
    `${denied}${body.message} (HTTP ${status})`,
    {
      status,
      retryable,
      contextOverflow: isContextOverflow(status, body),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  );
}

/** The error for a 200 that is not a stream: an error document, or something that is not a model at all. */
async function notAStream(reader: ByteReader | undefined, type: string, idleMs: number): Promise<ModelError> {
  const text = reader ? await readSome(reader, maxErrorBytes, idleMs) : "";
  const document = parseJson(text);
  const error = inBandError(document);
  if (error) return error;
  const what = asString(asObject(document)?.object) ?? (type || "no content type");
  return new ModelError(
    "bad_stream",
    `the answer is not an event stream but ${what}: is this the gateway's URL?`,
  );
}

function asModelError(thrown: unknown, signal: AbortSignal, base: string): ModelError {
  if (signal.aborted) return abortedError();
  if (thrown instanceof ModelError) return thrown;
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  const detail = asString(asObject(cause)?.code) ?? messageOf(cause ?? thrown);
  return new ModelError("unreachable", `cannot reach the gateway at ${base}: ${detail}`, { retryable: true });
}

/** Some providers quote the credential that they refuse. */
function withoutKey(error: ModelError, key: string): ModelError {
  if (key === "" || !error.message.includes(key)) return error;
  return new ModelError(error.code, error.message.replaceAll(key, "[redacted]"), error);
}
