/**
 * What the native transports of Node and Bun have in common: one admitted request between a client's connection, whatever
 * gives it, and a call to the provider. The same steps and scanners as the portable relay (src/gateway/relay.ts), with no
 * promise and no stream object for a chunk.
 */
import type { Plan } from "../../src/gateway/admission.ts";
import type { ErrorCode, ErrorResponse } from "../../src/gateway/errors.ts";
import { type AnswerHead, Exchange } from "../../src/gateway/exchange.ts";
import { createIdleTimer, type IdleTimer } from "../../src/gateway/idle-timer.ts";
import { UpstreamError } from "../../src/gateway/ports.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import type { Call, CallEvents, HttpClient, ResponseHead } from "./http/client/http-client.ts";

/** The client's side: how a server answers one request. */
export interface Answer {
  begin(status: number, statusText: string, head: AnswerHead, hasBody: boolean): void;
  /** Part of the body; it may wait for `flush` or `end`. */
  write(bytes: Uint8Array): void;
  /** Sends what was written. Gives how many bytes wait for a client that reads slowly: `Relay.clientReads` tells that it does. */
  flush(): number;
  end(): void;
  /** There is no response of the provider's. */
  refuse(refusal: ErrorResponse): void;
  /** What was written goes out, and then the body breaks off, so that nobody takes it for whole. */
  breakOff(): void;
  /** The client is gone, and whatever may come is not for it. */
  abandon(): void;
}

/** A body that goes up as it comes. */
export interface StreamedBody {
  /** Connected. */
  start(call: Call): void;
  /** The provider takes more. */
  onDrain(): void;
  /** Nothing more of it goes up. */
  cancel(): void;
}

export class Relay implements CallEvents {
  readonly plan: Plan;
  readonly exchange: Exchange;
  readonly #state: GatewayState;
  readonly #client: HttpClient;
  readonly #answer: Answer;
  readonly #readTimeout: IdleTimer;
  /** Kept for the next pool key until the head is here. */
  #whole: Uint8Array | undefined;
  #streamed: StreamedBody | undefined;
  /** To take more of a streamed body. */
  #writeTimeout: IdleTimer | undefined;
  #call: Call | undefined;
  #hasHead = false;
  /** Some of the response came with the read in hand. */
  #hasRead = false;
  #awaitsClient = false;
  #clientGone = false;
  #drainedBytes = 0;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(state: GatewayState, client: HttpClient, plan: Plan, answer: Answer) {
    this.#state = state;
    this.#client = client;
    this.plan = plan;
    this.#answer = answer;
    this.exchange = new Exchange(state, plan);
    const readTimeoutMs = plan.settings.config.readTimeoutSecs * 1000;
    this.#readTimeout = createIdleTimer(readTimeoutMs, state.clock, () => this.giveUp("upstream_timeout"));
  }

  get isOver(): boolean {
    return this.#ended;
  }

  /** The body is here, or its first part, or there is none: the provider may be asked. */
  send(body: Uint8Array | StreamedBody | undefined): void {
    if (body instanceof Uint8Array) this.#whole = body;
    else this.#streamed = body;
    this.#ask();
  }

  #ask(): void {
    const { provider, path, query, method, settings } = this.plan;
    const headers = this.exchange.headersUp();
    const length = this.#lengthUp();
    if (length !== undefined) headers.push("content-length", String(length));
    this.#call = this.#client.call(
      {
        authority: provider.authority,
        tls: settings.config.upstreamTls,
        method,
        path: path + query,
        headers,
        body: this.#streamed ? "streamed" : this.#whole,
      },
      this,
    );
  }

  /** What the provider is told to expect; undefined when nobody knows. */
  #lengthUp(): number | undefined {
    if (this.#streamed) return this.exchange.request.upstreamLength;
    return this.#whole?.length ?? this.plan.declaredLength;
  }

  onConnectRetry(): void {
    this.exchange.connectRetried();
  }

  onStart(call: Call): void {
    if (!this.#streamed) return this.#readTimeout.waiting();
    this.exchange.uploadStarted();
    this.#streamed.start(call);
  }

  /** The provider takes no more of a streamed body for now, and has `write_timeout_secs`. */
  awaitProvider(): void {
    if (this.#ended) return;
    const { writeTimeoutSecs } = this.plan.settings.config;
    this.#writeTimeout ??= createIdleTimer(writeTimeoutSecs * 1000, this.#state.clock, () =>
      this.giveUp("upstream_timeout"),
    );
    this.#writeTimeout.waiting();
  }

  onDrain(): void {
    this.#writeTimeout?.pause();
    this.#streamed?.onDrain();
  }

  onSent(): void {
    this.#writeTimeout?.stop();
    this.exchange.request.sent();
    if (this.#streamed) this.#readTimeout.waiting();
  }

  onHead({ status, statusText, headers }: ResponseHead, hasBody: boolean): void {
    if (this.exchange.walkToNextKey(status)) {
      // Its body is nobody's; waiting for it would make the client wait.
      this.#call?.abort();
      return this.#ask();
    }
    const head = this.exchange.begin(status, headers);
    this.#hasHead = true;
    this.#hasRead = true;
    this.#whole = undefined;
    if (this.#clientGone) return;
    this.#answer.begin(status, statusText, head, hasBody);
    // Of the request nothing is kept any more.
    this.exchange.hold(0);
  }

  onData(bytes: Uint8Array): void {
    this.#hasRead = true;
    const decoding = this.#clientGone ? this.#drain(bytes) : this.exchange.relay(bytes, this.#write);
    if (!decoding) return;
    this.#call?.pause();
    void decoding.then(() => this.#resume());
  }

  readonly #write = (bytes: Uint8Array): void => this.#answer.write(bytes);

  onRead(): void {
    // Part of a head is no head, and the framing of a chunk is no chunk.
    if (!this.#hasRead) return;
    this.#hasRead = false;
    this.#readTimeout.waiting();
    if (this.#clientGone) return;
    const waiting = this.#answer.flush();
    if (waiting === 0) return;
    this.#awaitsClient = true;
    this.#call?.pause();
    this.#readTimeout.pause();
    this.exchange.hold(waiting);
  }

  /** After a `flush` that left something waiting. */
  clientReads(): void {
    if (this.#ended || !this.#awaitsClient) return;
    this.exchange.hold(0);
    this.#awaitsClient = false;
    this.#resume();
  }

  #resume(): void {
    if (this.#awaitsClient) return;
    this.#readTimeout.waiting();
    this.#call?.resume();
  }

  onEnd(): void {
    if (!this.#clientGone) {
      this.exchange.flush(this.#write);
      this.#answer.end();
    }
    this.#end("complete");
  }

  onFailed(error: unknown): void {
    this.#stopFor(error instanceof UpstreamError ? error.code : "internal_error", error);
  }

  /** The provider is not asked any longer: the body may not go up, or one of the two has stalled. */
  giveUp(code: ErrorCode): void {
    if (this.#ended) return;
    this.#call?.abort();
    this.#stopFor(code);
  }

  /** There is no (more) response. */
  #stopFor(code: ErrorCode, error?: unknown): void {
    if (this.#ended) return;
    if (this.#clientGone) return this.#end("client_gone");
    this.#logFailure(code, error);
    if (!this.#hasHead) {
      this.#stop();
      return this.#answer.refuse(this.exchange.fail(code));
    }
    this.exchange.flush(this.#write);
    this.#answer.breakOff();
    this.#end("upstream_cut");
  }

  #logFailure(code: ErrorCode, error: unknown): void {
    const request_id = this.plan.requestId;
    if (code === "internal_error")
      this.#state.log("error", "request failed", { request_id, error: String(error) });
    else if (code === "upstream_unreachable" || code === "upstream_timeout")
      this.#state.log("warn", code, {
        request_id,
        provider: this.plan.provider.name,
        ...(error instanceof Error && error.cause instanceof Error && { error: error.cause.message }),
      });
  }

  #end(ending: "complete" | "client_gone" | "upstream_cut"): void {
    if (this.#ended) return;
    this.#stop();
    this.exchange.finish(this.#clientGone ? "client_gone" : ending);
  }

  #stop(): void {
    this.#ended = true;
    this.#readTimeout.stop();
    clearTimeout(this.#drainTimer);
    // A provider may answer before the upload is through.
    this.#stopUpload();
  }

  #stopUpload(): void {
    this.#writeTimeout?.stop();
    this.#streamed?.cancel();
  }

  /** Its connection closed, or is given up. */
  clientLeft(): void {
    if (this.#ended || this.#clientGone) return;
    this.#clientGone = true;
    this.#stopUpload();
    this.#answer.abandon();
    if (!this.exchange.clientLeft(true)) return this.#stopDraining();
    const { drainMaxSecs } = this.plan.settings.config;
    this.#drainTimer = setTimeout(() => this.#stopDraining(), drainMaxSecs * 1000);
    this.#awaitsClient = false;
    this.#resume();
  }

  /** The gateway ends, and neither the client nor the provider has left. */
  cutOff(): void {
    if (this.#ended) return;
    this.#call?.abort();
    this.#end("upstream_cut");
  }

  #drain(bytes: Uint8Array): void | Promise<void> {
    this.#drainedBytes += bytes.length;
    if (this.#drainedBytes > this.plan.settings.config.drainMaxBytes) return this.#stopDraining();
    return this.exchange.drain(bytes);
  }

  #stopDraining(): void {
    this.#call?.abort();
    this.#end("client_gone");
  }
}
