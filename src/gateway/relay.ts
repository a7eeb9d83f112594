/** The portable transport: a Web-standard Request in, a Response out, both bodies pumped by hand. */
import { admit, type Plan } from "./admission.ts";
import { type ErrorCode, type ErrorResponse, errorResponse, type Refusal, wireCode } from "./errors.ts";
import { Exchange, MAX_WHOLE_BODY } from "./exchange.ts";
import type { Inbound } from "./inbound.ts";
import { label } from "./metrics.ts";
import { type HeaderList, type Upstream, UpstreamError, type UpstreamResponse } from "./ports.ts";
import type { GatewayState } from "./state.ts";

/** Where the portable relay sends requests, and how it outlives them. */
export interface RelayPorts {
  readonly upstream: Upstream;
  /** Extra members for every `Response`, as workerd's `encodeBody: "manual"`. */
  readonly responseInit?: Readonly<Record<string, unknown>>;
  /** Keeps work alive after the response, where the runtime would stop it. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

/** Answers one request; never rejects. */
export async function relay(
  state: GatewayState,
  ports: RelayPorts,
  request: Request,
  inbound: Inbound,
): Promise<Response> {
  state.metrics.requests.add();
  let exchange: Exchange | undefined;
  try {
    const admission = await admit(state, inbound);
    if (!admission.ok) return refused(state, ports, request, admission);
    exchange = new Exchange(state, admission);
    return await new WebRelay(state, ports, request, admission, exchange).run();
  } catch (error) {
    state.log("error", "request failed", { error: String(error) });
    const refusal = exchange?.fail("internal_error") ?? internalError(state);
    return toResponse(ports, inbound.method, refusal);
  }
}

/** A refusal's response, counted. */
function refused(state: GatewayState, ports: RelayPorts, request: Request, refusal: Refusal): Response {
  state.metrics.rejections.add(1, label("reason", wireCode(refusal.code)));
  // The rest of an upload that nobody will read: told to stop, where the runtime can.
  void request.body?.cancel().catch(() => {});
  return toResponse(ports, request.method, errorResponse(refusal));
}

function internalError(state: GatewayState): ErrorResponse {
  state.metrics.rejections.add(1, label("reason", "internal_error"));
  return errorResponse({
    ok: false,
    code: "internal_error",
    dialect: "openai",
    requestId: state.nextRequestId(),
  });
}

function toResponse(ports: RelayPorts, method: string, { status, headers, body }: ErrorResponse): Response {
  return new Response(method === "HEAD" ? null : body, {
    ...ports.responseInit,
    status,
    headers: pairs(headers),
  });
}

/** A body refused while it streamed up; carried through the upstream's rejection. */
class BodyRefused extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

class WebRelay {
  readonly #state: GatewayState;
  readonly #ports: RelayPorts;
  readonly #request: Request;
  readonly #plan: Plan;
  readonly #exchange: Exchange;
  readonly #abort = new AbortController();
  #bodyRefused: ErrorCode | undefined;

  constructor(state: GatewayState, ports: RelayPorts, request: Request, plan: Plan, exchange: Exchange) {
    this.#state = state;
    this.#ports = ports;
    this.#request = request;
    this.#plan = plan;
    this.#exchange = exchange;
  }

  async run(): Promise<Response> {
    this.#request.signal.addEventListener("abort", this.#onClientGone, { once: true });
    try {
      const body = await this.#openBody();
      const response = await this.#send(body);
      return this.#respond(response);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Before the head: nothing to drain, the upstream request is cancelled. */
  readonly #onClientGone = (): void => {
    if (!this.#exchange.clientLeft()) this.#abort.abort();
  };

  async #openBody(): Promise<Uint8Array | ReadableStream<Uint8Array> | undefined> {
    const { body } = this.#request;
    const { declaredLength } = this.#plan;
    if (!body || declaredLength === 0) {
      this.#exchange.request.sent();
      return undefined;
    }
    if (declaredLength === undefined || declaredLength > MAX_WHOLE_BODY) return this.#streamBody(body);
    this.#exchange.hold(declaredLength);
    const whole = this.#exchange.request.whole(new Uint8Array(await this.#request.arrayBuffer()));
    if (typeof whole === "string") throw new BodyRefused(whole);
    return whole;
  }

  #streamBody(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    const { request } = this.#exchange;
    this.#exchange.hold(MAX_WHOLE_BODY);
    const refuse = (code: ErrorCode): never => {
      this.#bodyRefused = code;
      void reader.cancel().catch(() => {});
      this.#abort.abort();
      throw new BodyRefused(code);
    };
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          for (let sent = false; !sent; ) {
            const { done, value } = await reader.read();
            const chunks = done ? request.end() : request.push(value);
            if (typeof chunks === "string") return refuse(chunks);
            for (const chunk of chunks) controller.enqueue(chunk);
            if (done) {
              request.sent();
              return controller.close();
            }
            sent = chunks.length > 0;
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  async #send(body: Uint8Array | ReadableStream<Uint8Array> | undefined): Promise<UpstreamResponse> {
    const { provider, path, query, method, settings } = this.#plan;
    for (;;) {
      const headers = this.#exchange.headersUp();
      const length = body instanceof Uint8Array ? body.length : body && this.#exchange.request.upstreamLength;
      if (length !== undefined) headers.push("content-length", String(length));
      const response = await this.#ports.upstream.send({
        authority: provider.authority,
        tls: settings.config.upstreamTls,
        method,
        path: path + query,
        headers,
        body,
        signal: this.#abort.signal,
        readTimeoutMs: settings.config.readTimeoutSecs * 1000,
        onConnectRetry: () => this.#exchange.connectRetried(),
      });
      if (body instanceof Uint8Array) this.#exchange.request.sent();
      if (!this.#exchange.walkToNextKey(response.status)) return response;
      await response.body?.cancel();
    }
  }

  #respond(upstream: UpstreamResponse): Response {
    const { status, statusText } = upstream;
    const headers = this.#exchange.begin(status, upstream.headers);
    const init = { ...this.#ports.responseInit, status, statusText, headers: pairs(headers) };
    if (!upstream.body || this.#plan.method === "HEAD" || status === 204 || status === 304) {
      this.#exchange.finish("complete");
      return new Response(null, init);
    }
    return new Response(this.#pump(upstream.body), init);
  }

  /** Pulled by the client's reader, so a slow one slows the provider; a provider that dies is an error at the client. */
  #pump(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    const exchange = this.#exchange;
    exchange.hold(MAX_WHOLE_BODY);
    let written = 0;
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const write = (bytes: Uint8Array): void => {
        written++;
        controller.enqueue(bytes);
      };
      try {
        for (const before = written; written === before; ) {
          const { done, value } = await reader.read();
          if (done) {
            exchange.flush(write);
            controller.close();
            return exchange.finish("complete");
          }
          await exchange.relay(value, write);
        }
      } catch (error) {
        exchange.flush(write);
        controller.error(error);
        exchange.finish(this.#request.signal.aborted ? "client_gone" : "upstream_cut");
      }
    };
    const cancel = (): Promise<void> | void => {
      if (!exchange.clientLeft()) {
        exchange.finish("client_gone");
        this.#abort.abort();
        return reader.cancel().catch(() => {});
      }
      const drained = this.#drain(reader);
      this.#ports.waitUntil?.(drained);
    };
    return new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 });
  }

  /** Reads on for the row, within bounds. */
  async #drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const { drainMaxBytes, drainMaxSecs } = this.#plan.settings.config;
    const timer = setTimeout(() => this.#abort.abort(), drainMaxSecs * 1000);
    try {
      for (let left = drainMaxBytes; left > 0; ) {
        const { done, value } = await reader.read();
        if (done) break;
        left -= value.length;
        await this.#exchange.drain(value);
      }
    } catch {
      // Whatever stopped the provider, the row says what was seen.
    }
    clearTimeout(timer);
    this.#exchange.finish("client_gone");
    this.#abort.abort();
    await reader.cancel().catch(() => {});
  }

  #failed(error: unknown): Response {
    const code = this.#bodyRefused ?? (error instanceof BodyRefused ? error.code : undefined);
    if (code !== undefined) return toResponse(this.#ports, this.#plan.method, this.#exchange.fail(code));
    if (this.#request.signal.aborted) {
      this.#exchange.clientLeft();
      this.#exchange.finish("client_gone");
      // Nobody reads it; a runtime that writes it all the same writes to a closed connection.
      return new Response(null, { status: 499 });
    }
    if (!(error instanceof UpstreamError)) {
      this.#state.log("error", "request failed", { request_id: this.#plan.requestId, error: String(error) });
      return toResponse(this.#ports, this.#plan.method, this.#exchange.fail("internal_error"));
    }
    this.#state.log("warn", error.code, {
      request_id: this.#plan.requestId,
      provider: this.#plan.provider.name,
    });
    return toResponse(this.#ports, this.#plan.method, this.#exchange.fail(error.code));
  }
}

function pairs(headers: HeaderList): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < headers.length; i += 2) list.push([headers[i]!, headers[i + 1]!]);
  return list;
}
