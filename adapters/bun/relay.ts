/**
 * The native transport of Bun: a `Request` of Bun.serve in, our own HTTP/1.1 client out, a whole body or a direct stream
 * down. The same steps and scanners as the portable relay (src/gateway/relay.ts), with no promise and no stream object for
 * a chunk.
 */
import { type Admission, admit, type Plan } from "../../src/gateway/admission.ts";
import { clientPatienceMs } from "../../src/gateway/client-patience.ts";
import type { ErrorCode } from "../../src/gateway/errors.ts";
import { Exchange, MAX_WHOLE_BODY } from "../../src/gateway/exchange.ts";
import { UpstreamError } from "../../src/gateway/ports.ts";
import { createReadTimeout, type ReadTimeout } from "../../src/gateway/read-timeout.ts";
import { internalError, refuse } from "../../src/gateway/refusals.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import { inboundOf } from "../../src/gateway/web-request.ts";
import {
  framingOf,
  isAnsweredWhole,
  joined,
  pairs,
  refusalResponse,
  unheardResponse,
} from "../../src/gateway/web-response.ts";
import { BodySink } from "./body-sink.ts";
import type { Call, CallEvents } from "./http/call.ts";
import type { HttpClient } from "./http/client.ts";
import type { ResponseHead } from "./http/response-parser.ts";
import { Upload } from "./upload.ts";

/** Bun sends a head with the first byte of its body. */
const LINE_FEED = new Uint8Array([0x0a]);

/** What a `Response` can be made of. */
const isAnswerable = (status: number): boolean => status >= 200 && status <= 599;

/** Answers one request; never throws or rejects. */
export type Relay = (request: Request) => Response | Promise<Response>;

export function createRelay(state: GatewayState, client: HttpClient): Relay {
  return (request) => {
    state.metrics.requests.add();
    const settled = (admission: Admission): Response | Promise<Response> => {
      if (admission.ok) return new BunRelay(state, client, request, admission).start();
      // The rest of an upload that nobody will read.
      void request.body?.cancel().catch(() => {});
      return refusalResponse(request.method, refuse(state, admission));
    };
    const failed = (error: unknown): Response => {
      state.log("error", "request failed", { error: String(error) });
      return refusalResponse(request.method, internalError(state));
    };
    try {
      const admission = admit(state, inboundOf(request));
      return admission instanceof Promise ? admission.then(settled).catch(failed) : settled(admission);
    } catch (error) {
      return failed(error);
    }
  };
}

class BunRelay implements CallEvents {
  readonly #state: GatewayState;
  readonly #client: HttpClient;
  readonly #request: Request;
  readonly #plan: Plan;
  readonly #exchange: Exchange;
  readonly #readTimeout: ReadTimeout;
  readonly #answer = Promise.withResolvers<Response>();
  /** The body where it is small: for the next pool key. */
  #whole: Uint8Array | undefined;
  /** Larger bodies go up as they come. */
  #upload: Upload | undefined;
  #call: Call | undefined;
  #init: ResponseInit | undefined;
  #isBodiless = false;
  /** Not before all of it is here. */
  #isAnsweredWhole = false;
  /** Before the answer is given. */
  #pieces: Uint8Array[] = [];
  #sink: BodySink | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #clientGone = false;
  #drainedBytes = 0;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(state: GatewayState, client: HttpClient, request: Request, plan: Plan) {
    this.#state = state;
    this.#client = client;
    this.#request = request;
    this.#plan = plan;
    this.#exchange = new Exchange(state, plan);
    const readTimeoutMs = plan.settings.config.readTimeoutSecs * 1000;
    this.#readTimeout = createReadTimeout(readTimeoutMs, state.clock, () => this.#giveUp("upstream_timeout"));
  }

  start(): Promise<Response> {
    // A listener that is added costs 1 µs more.
    this.#request.signal.onabort = () => this.#onClientGone();
    const { declaredLength } = this.#plan;
    if (declaredLength === 0 || !this.#hasBody()) this.#dispatch();
    else if (declaredLength === undefined || declaredLength > MAX_WHOLE_BODY) this.#stream();
    else void this.#readWhole(declaredLength);
    return this.#answer.promise;
  }

  /** Asking for `body` makes a stream of it: not where the head says enough. */
  #hasBody(): boolean {
    return (
      (this.#plan.declaredLength !== undefined && this.#plan.method === "POST") || this.#request.body !== null
    );
  }

  async #readWhole(length: number): Promise<void> {
    this.#exchange.hold(length);
    this.#awaitPatiently();
    try {
      const bytes = new Uint8Array(await this.#request.arrayBuffer());
      if (this.#ended) return;
      this.#endPatience();
      if (bytes.length < length) return this.#onClientGone();
      const whole = this.#exchange.request.whole(bytes);
      if (typeof whole === "string") return this.#fail(whole);
      this.#whole = whole;
    } catch {
      return this.#onClientGone();
    }
    this.#dispatch();
  }

  #stream(): void {
    this.#exchange.hold(MAX_WHOLE_BODY);
    const { request } = this.#exchange;
    this.#upload = new Upload(this.#request, request, this.#plan, this.#state.clock, {
      onReady: () => this.#dispatch(),
      onRefused: (code) => this.#giveUp(code),
      onBrokenOff: () => this.#onClientGone(),
      onStalled: () => this.#onClientStalls(),
      onStuck: () => this.#giveUp("upstream_timeout"),
    });
    void this.#upload.run();
  }

  #dispatch(): void {
    const { provider, path, query, method, settings } = this.#plan;
    const headers = this.#exchange.headersUp();
    const length = this.#upload ? this.#exchange.request.upstreamLength : this.#whole?.length;
    if (length !== undefined) headers.push("content-length", String(length));
    this.#call = this.#client.call(
      {
        authority: provider.authority,
        tls: settings.config.upstreamTls,
        method,
        path: path + query,
        headers,
        body: this.#upload ? "streamed" : this.#whole,
      },
      this,
    );
  }

  onConnectRetry(): void {
    this.#exchange.connectRetried();
  }

  onStart(call: Call): void {
    if (this.#upload) this.#upload.start(call);
    else this.#readTimeout.waiting();
  }

  onDrain(): void {
    this.#upload?.onDrain();
  }

  onSent(): void {
    this.#exchange.request.sent();
    this.#readTimeout.waiting();
  }

  onHead({ status, statusText, headers: received }: ResponseHead, hasBody: boolean): void {
    if (this.#exchange.walkToNextKey(status)) {
      // Its body is nobody's; waiting for it would make the client wait.
      this.#call?.abort();
      return this.#dispatch();
    }
    if (!isAnswerable(status)) throw new UpstreamError("upstream_unreachable");
    this.#whole = undefined;
    this.#readTimeout.waiting();
    const headers = this.#exchange.begin(status, received);
    this.#init = { status, statusText, headers: pairs(headers) };
    this.#isBodiless = !hasBody;
    const framing = framingOf(headers);
    this.#isAnsweredWhole = isAnsweredWhole(framing);
    this.#exchange.hold(this.#isAnsweredWhole ? framing.length! : 0);
  }

  onData(bytes: Uint8Array): void {
    this.#readTimeout.waiting();
    const decoding = this.#clientGone ? this.#drain(bytes) : this.#exchange.relay(bytes, this.#write);
    if (!decoding) return;
    this.#call?.pause();
    void decoding.then(() => this.#resume());
  }

  readonly #write = (bytes: Uint8Array): void => {
    if (this.#sink) this.#sink.write(bytes);
    else this.#pieces.push(bytes);
  };

  onRead(): void {
    if (this.#clientGone || !this.#init || this.#isAnsweredWhole) return;
    if (!this.#sink) this.#openSink();
    else if (!this.#sink.flush()) this.#awaitClient();
  }

  #openSink(): BodySink {
    const sink = new BodySink(() => this.#onClientReads());
    for (const piece of this.#pieces) sink.write(piece);
    this.#pieces = [];
    this.#sink = sink;
    this.#answer.resolve(new Response(sink.stream, this.#init));
    return sink;
  }

  #awaitClient(): void {
    this.#call?.pause();
    this.#readTimeout.pause();
    this.#exchange.hold(MAX_WHOLE_BODY);
    this.#awaitPatiently();
  }

  #onClientReads(): void {
    this.#endPatience();
    if (this.#ended) return;
    this.#exchange.hold(0);
    this.#resume();
  }

  #awaitPatiently(): void {
    const patienceMs = clientPatienceMs(this.#plan.settings.config);
    this.#patience ??= setTimeout(() => this.#onClientStalls(), patienceMs);
  }

  #endPatience(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  /** It is there, and neither sends nor reads. Only an answer that breaks off closes its connection. */
  #onClientStalls(): void {
    if (!this.#sink) {
      this.#init = { status: 408 };
      this.#pieces = [LINE_FEED];
      this.#openSink().breakOff();
    }
    this.#onClientGone();
  }

  #resume(): void {
    if (this.#patience !== undefined) return;
    this.#readTimeout.waiting();
    this.#call?.resume();
  }

  onEnd(): void {
    if (!this.#clientGone) {
      this.#exchange.flush(this.#write);
      if (this.#sink) this.#sink.end();
      else this.#answer.resolve(new Response(this.#isBodiless ? null : joined(this.#pieces), this.#init));
    }
    this.#end("complete");
  }

  onFailed(error: Error): void {
    const code = error instanceof UpstreamError ? error.code : "internal_error";
    this.#stopFor(code, error);
  }

  /** The provider is not asked any longer. */
  #giveUp(code: ErrorCode): void {
    if (this.#ended) return;
    this.#call?.abort();
    this.#stopFor(code);
  }

  /** There is no (more) response. */
  #stopFor(code: ErrorCode, error?: Error): void {
    if (this.#ended) return;
    if (this.#clientGone) return this.#end("client_gone");
    if (!this.#init) {
      this.#logFailure(code, error);
      return this.#fail(code);
    }
    this.#exchange.flush(this.#write);
    (this.#sink ?? this.#openSink()).breakOff();
    this.#end("upstream_cut");
  }

  #logFailure(code: ErrorCode, error: Error | undefined): void {
    const { requestId, provider } = this.#plan;
    if (code === "internal_error")
      this.#state.log("error", "request failed", { request_id: requestId, error: String(error) });
    else if (code === "upstream_unreachable" || code === "upstream_timeout")
      this.#state.log("warn", code, { request_id: requestId, provider: provider.name });
  }

  #fail(code: ErrorCode): void {
    this.#stop();
    this.#answer.resolve(refusalResponse(this.#plan.method, this.#exchange.fail(code)));
  }

  #end(ending: "complete" | "client_gone" | "upstream_cut"): void {
    if (this.#ended) return;
    this.#stop();
    this.#exchange.finish(this.#clientGone ? "client_gone" : ending);
  }

  #stop(): void {
    this.#ended = true;
    this.#readTimeout.stop();
    clearTimeout(this.#drainTimer);
    clearTimeout(this.#patience);
    // A provider may answer before the upload is through.
    this.#upload?.cancel();
  }

  /** Its connection closed, or is given up. */
  #onClientGone(): void {
    if (this.#ended || this.#clientGone) return;
    this.#clientGone = true;
    this.#answer.resolve(unheardResponse());
    this.#sink?.reset();
    this.#pieces = [];
    if (!this.#exchange.clientLeft(true)) return this.#stopDraining();
    const { drainMaxSecs } = this.#plan.settings.config;
    this.#drainTimer = setTimeout(() => this.#stopDraining(), drainMaxSecs * 1000);
    this.#endPatience();
    this.#resume();
  }

  #drain(bytes: Uint8Array): void | Promise<void> {
    this.#drainedBytes += bytes.length;
    if (this.#drainedBytes > this.#plan.settings.config.drainMaxBytes) return this.#stopDraining();
    return this.#exchange.drain(bytes);
  }

  #stopDraining(): void {
    this.#call?.abort();
    this.#end("client_gone");
  }
}
