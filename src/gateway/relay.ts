/** The portable transport: a Web-standard Request in, a Response out, both bodies pulled by whoever reads them. */
import { admit, type Plan } from "./admission.ts";
import type { BodyReaders } from "./body-readers.ts";
import { Download } from "./download.ts";
import type { ErrorCode, Refusal } from "./errors.ts";
import { Exchange, MAX_WHOLE_BODY } from "./exchange.ts";
import { createIdleTimer, type IdleTimer } from "./idle-timer.ts";
import type { Inbound } from "./inbound.ts";
import { type Upstream, UpstreamError, type UpstreamResponse } from "./ports.ts";
import { internalError, refuse } from "./refusals.ts";
import type { GatewayState } from "./state.ts";
import { Upload } from "./upload.ts";
import { headersOf } from "./web-headers.ts";
import { refusalResponse, stalledResponse, unheardResponse } from "./web-response.ts";

/** Where the portable relay sends requests, and how it outlives them. */
export interface RelayPorts {
  readonly upstream: Upstream;
  /** Extra members for every `Response`, as workerd's `encodeBody: "manual"`. */
  readonly responseInit?: Readonly<Record<string, unknown>>;
  /** The streams' own readers where it is left out. */
  readonly readers?: BodyReaders;
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
    return refusalResponse(inbound.method, refusal, ports.responseInit);
  }
}

/** A refusal's response, counted. */
function refused(state: GatewayState, ports: RelayPorts, request: Request, refusal: Refusal): Response {
  // The rest of an upload that nobody will read: told to stop, where the runtime can.
  void request.body?.cancel().catch(() => {});
  return refusalResponse(request.method, refuse(state, refusal), ports.responseInit);
}

/** A small body refused before anything was sent. */
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
  readonly #readTimeout: IdleTimer;
  #bodyRefused: ErrorCode | undefined;
  #uploadBrokeOff = false;
  #uploadStalled = false;
  /** A body that streams up. */
  #upload: Upload | undefined;
  #download: Download | undefined;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  /** A body in one piece was handed to the runtime, which does not say when it has gone up. */
  #wholeBodyGiven = false;

  constructor(state: GatewayState, ports: RelayPorts, request: Request, plan: Plan, exchange: Exchange) {
    this.#state = state;
    this.#ports = ports;
    this.#request = request;
    this.#plan = plan;
    this.#exchange = exchange;
    const readTimeoutMs = plan.settings.config.readTimeoutSecs * 1000;
    this.#readTimeout = createIdleTimer(readTimeoutMs, state.clock, this.#giveUp);
  }

  async run(): Promise<Response> {
    this.#request.signal.addEventListener("abort", this.#onClientGone, { once: true });
    try {
      const body = await this.#openBody();
      // It may have left while it was admitted, which no event tells.
      if (this.#isClientGone()) throw new Error("the client left");
      if (body instanceof Uint8Array) this.#wholeBodyGiven = true;
      this.#readTimeout.waiting();
      const response = await this.#send(body);
      this.#readTimeout.pause();
      clearTimeout(this.#drainTimer);
      return await this.#respond(response);
    } catch (error) {
      this.#readTimeout.stop();
      clearTimeout(this.#drainTimer);
      return this.#failed(error);
    }
  }

  readonly #giveUp = (): void => {
    this.#abort.abort();
    this.#upload?.cancel();
  };

  readonly #onClientGone = (): void => {
    if (this.#download) return this.#download.clientLeft();
    if (this.#wholeBodyGiven) this.#exchange.request.sent();
    if (!this.#exchange.clientLeft(this.#ports.waitUntil === undefined)) return this.#giveUp();
    this.#drainTimer = setTimeout(this.#giveUp, this.#plan.settings.config.drainMaxSecs * 1000);
  };

  readonly #isClientGone = (): boolean =>
    this.#uploadBrokeOff || this.#uploadStalled || this.#request.signal.aborted;

  async #openBody(): Promise<Uint8Array | ReadableStream<Uint8Array> | undefined> {
    const { body } = this.#request;
    const { declaredLength, method } = this.#plan;
    // `fetch` takes no body for the others. It would mean nothing there (RFC 9110 §9.3.1).
    const mayHaveBody = method !== "GET" && method !== "HEAD";
    if (!body || declaredLength === 0 || !mayHaveBody) {
      this.#exchange.request.sent();
      return undefined;
    }
    if (declaredLength === undefined || declaredLength > MAX_WHOLE_BODY) return this.#streamBody(body);
    this.#exchange.hold(declaredLength);
    const whole = this.#exchange.request.whole(await this.#readWhole());
    if (typeof whole === "string") throw new BodyRefused(whole);
    return whole;
  }

  async #readWhole(): Promise<Uint8Array> {
    if (this.#request.bodyUsed) throw new Error("the body was read before the gateway got the request");
    try {
      return new Uint8Array(await this.#request.arrayBuffer());
    } catch (error) {
      this.#uploadBrokeOff = true;
      throw error;
    }
  }

  #streamBody(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    this.#exchange.hold(MAX_WHOLE_BODY);
    this.#exchange.uploadStarted();
    this.#upload = new Upload({
      body,
      readers: this.#ports.readers,
      exchange: this.#exchange,
      readTimeout: this.#readTimeout,
      clock: this.#state.clock,
      onRefused: (code) => {
        this.#bodyRefused = code;
        this.#giveUp();
      },
      isClientGone: this.#isClientGone,
      onBrokenOff: () => {
        this.#uploadBrokeOff = true;
        this.#giveUp();
      },
      onStalled: () => {
        this.#uploadStalled = true;
        this.#giveUp();
      },
    });
    return this.#upload.stream;
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
        onConnectRetry: () => this.#exchange.connectRetried(),
      });
      if (this.#wholeBodyGiven) this.#exchange.request.sent();
      if (!this.#exchange.walkToNextKey(response.status)) return response;
      // Its body is nobody's.
      void response.body?.cancel().catch(() => {});
    }
  }

  async #respond({ status, statusText, headers: received, body }: UpstreamResponse): Promise<Response> {
    const head = this.#exchange.begin(status, received);
    const init = { ...this.#ports.responseInit, status, statusText, headers: headersOf(head.headers) };
    if (!body || this.#plan.method === "HEAD" || status === 204 || status === 304) {
      this.#readTimeout.stop();
      this.#upload?.stop();
      this.#exchange.finish("complete");
      return new Response(null, init);
    }
    this.#download = new Download({
      body,
      head,
      readers: this.#ports.readers,
      exchange: this.#exchange,
      readTimeout: this.#readTimeout,
      isClientGone: this.#isClientGone,
      abort: this.#giveUp,
      onEnd: () => this.#upload?.stop(),
      waitUntil: this.#ports.waitUntil,
    });
    if (!this.#isClientGone()) return new Response(await this.#download.open(), init);
    this.#download.clientLeft();
    return unheardResponse();
  }

  #failed(error: unknown): Response {
    this.#giveUp();
    const code = this.#bodyRefused ?? (error instanceof BodyRefused ? error.code : undefined);
    if (code !== undefined) return this.#refuse(code);
    const isTimeout =
      this.#readTimeout.expired || (error instanceof UpstreamError && error.code === "upstream_timeout");
    // Whoever was waited for has had the body.
    const wasSent = isTimeout || this.#isClientGone() || (error instanceof UpstreamError && error.connected);
    if (this.#wholeBodyGiven && wasSent) this.#exchange.request.sent();
    if (this.#isClientGone()) {
      this.#exchange.clientLeft();
      this.#exchange.finish("client_gone");
      return this.#uploadStalled ? stalledResponse() : unheardResponse();
    }
    const { requestId, provider } = this.#plan;
    const reason = isTimeout ? "upstream_timeout" : error instanceof UpstreamError ? error.code : undefined;
    if (reason !== undefined)
      this.#state.log("warn", reason, { request_id: requestId, provider: provider.name });
    else this.#state.log("error", "request failed", { request_id: requestId, error: String(error) });
    return this.#refuse(reason ?? "internal_error");
  }

  #refuse(code: ErrorCode): Response {
    return refusalResponse(this.#plan.method, this.#exchange.fail(code), this.#ports.responseInit);
  }
}
