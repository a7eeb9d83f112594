/**
 * The life of one admitted request, driven by a transport and knowing none: bytes of the request go through
 * `request`, the head through `begin`, bytes of the response through `relay`, and one `finish` ends it with its row.
 */
import type { Plan } from "./admission.ts";
import type { ErrorCode, ErrorResponse } from "./errors.ts";
import { headersDown } from "./headers.ts";
import { type HeaderList, UpstreamError } from "./ports.ts";
import { refuse } from "./refusals.ts";
import { createRequestBody, type RequestBody } from "./request-body.ts";
import { ResponseBody, type Write } from "./response-body.ts";
import { buildRow, countTokens, type Ending, type Facts, summarize } from "./settle.ts";
import type { GatewayState } from "./state.ts";
import type { RequestSpan } from "./tracing.ts";

/** Largest declared body that is read whole before it is sent, in bytes: one write, an exact length, and it can be replayed. */
export const MAX_WHOLE_BODY = 65_536;

/** The last that a `Response` can be made of. */
const MAX_STATUS = 599;

export type { Write };

/** A provider's head as the client gets it. */
export interface AnswerHead {
  readonly headers: string[];
  /** Of the body, in bytes; undefined when the client is not told. */
  readonly length: number | undefined;
  /** Server-sent events. */
  readonly isStream: boolean;
}

/** Whether a body is answered in one piece: a stream for one chunk costs as much as the relay around it. */
export const isAnsweredWhole = ({ length, isStream }: AnswerHead): boolean =>
  length !== undefined && length <= MAX_WHOLE_BODY && !isStream;

/** `ai_upstream_responses_total{status}` by the first digit. */
const STATUS_CLASSES = ["", "1xx", "2xx", "3xx", "4xx", "5xx", "", "", "", ""];

export class Exchange {
  readonly plan: Plan;
  readonly request: RequestBody;
  readonly #state: GatewayState;
  readonly #span: RequestSpan | undefined;
  #status: number | undefined;
  #response: ResponseBody | undefined;
  #streaming = false;
  #clientGone = false;
  /** Some of the body came after the client had gone. */
  #drained = false;
  #firstByteMs: number | undefined;
  #held = 0;
  #keyIndex = 0;
  #breakerAsked = true;
  /** The body goes up as the client sends it. */
  #isUploading = false;
  #finished = false;

  constructor(state: GatewayState, plan: Plan) {
    this.#state = state;
    this.plan = plan;
    this.request = createRequestBody(plan);
    this.#span = state.startSpan?.(plan);
    state.metrics.live.inFlight++;
  }

  /** The headers that go up, without `content-length`. */
  headersUp(): string[] {
    const headers = this.plan.headersFor(this.plan.managed?.poolKeys[this.#keyIndex]);
    return this.plan.managed && this.#span ? this.#span.continueIn(headers) : headers;
  }

  /** Bytes a transport keeps for this request from now on; the last amount replaces the one before. */
  hold(bytes: number): void {
    this.#state.budget.hold(bytes - this.#held);
    this.#held = bytes;
  }

  /** From here on it hangs on the client, too, whether the provider gets the body and can answer. */
  uploadStarted(): void {
    this.#isUploading = true;
  }

  connectRetried(): void {
    this.#state.metrics.connectRetries.add(1, this.plan.provider.name);
  }

  /** The provider's head is here. Throws an `UpstreamError` for a status that is none. */
  begin(status: number, headers: HeaderList): AnswerHead {
    if (status > MAX_STATUS) throw new UpstreamError("upstream_unreachable");
    this.#status = status;
    const { plan } = this;
    this.#state.metrics.responses.add(1, plan.provider.name, STATUS_CLASSES[Math.floor(status / 100)]);
    this.#tellBreaker(status >= 500);
    const poolKey = plan.managed?.poolKeys[this.#keyIndex];
    const head = headersDown(headers, poolKey);
    const hasBody = plan.method !== "HEAD" && status !== 204 && status !== 304;
    if (hasBody) {
      this.#response = new ResponseBody({
        ...head,
        wire: plan.route.wire,
        status,
        hidesUsage: this.request.asked,
        createDecoder: this.#state.createDecoder,
        onFault: () => this.#state.metrics.parseErrors.add(),
      });
      if (this.#response.isStream) this.#enterStream();
    }
    const mayShrink = this.#response?.mayShrink ?? false;
    // A 204 has no length (RFC 9110 §8.6).
    const down = mayShrink || status === 204 ? withoutLength(head.headers) : head.headers;
    down.push("x-beyond-request-id", plan.requestId, "x-beyond-provider", plan.provider.name);
    return {
      headers: down,
      length: mayShrink ? undefined : head.contentLength,
      isStream: this.#response?.isStream ?? false,
    };
  }

  #enterStream(): void {
    this.#streaming = true;
    this.#state.metrics.live.streams++;
  }

  /** One chunk from the provider, to the client first. A promise asks the transport to wait before the next. */
  relay(chunk: Uint8Array, write: Write): void | Promise<void> {
    this.#received();
    return this.#response?.relay(chunk, write);
  }

  /** One chunk after the client left: for the row alone. */
  drain(chunk: Uint8Array): void | Promise<void> {
    this.#received();
    return this.#response?.meter(chunk);
  }

  #received(): void {
    this.#firstByteMs ??= this.#state.clock.monotonic();
    this.#drained ||= this.#clientGone;
  }

  /** The provider's body has ended, cleanly or not: what the filter still holds belongs to the client. */
  flush(write: Write): void {
    this.#response?.flush(write);
  }

  /**
   * The client is gone. True: read on, the row is worth it (`on_disconnect = "drain"`). A transport that can outlive
   * its client may also wait for the head of a response to a request that is on its way whole.
   */
  clientLeft(canAwaitHead = false): boolean {
    this.#clientGone = true;
    return (
      this.plan.managed !== undefined &&
      this.plan.provider.onDisconnect === "drain" &&
      (this.#status !== undefined || (canAwaitHead && this.request.complete))
    );
  }

  /** A managed 429 that another pool key may answer, if the request can be replayed. */
  walkToNextKey(status: number): boolean {
    const keys = this.plan.managed?.poolKeys;
    if (status !== 429 || !keys || this.#keyIndex + 1 >= keys.length || !this.request.replayable)
      return false;
    this.#keyIndex++;
    this.#state.metrics.keyWalks.add(1, this.plan.provider.name);
    return true;
  }

  /** There is no response of the provider's to give: the refusal for the client, and the end of the exchange. */
  fail(code: ErrorCode): ErrorResponse {
    const { dialect, requestId } = this.plan;
    this.finish(endingOf(code));
    return refuse(this.#state, { ok: false, code, dialect, requestId });
  }

  /** Ends the exchange, once: breaker, gauges, metrics and the row. */
  finish(ending: Ending): void {
    if (this.#finished) return;
    this.#finished = true;
    this.hold(0);
    if (this.#streaming) this.#state.metrics.live.streams--;
    if (this.#breakerAsked) this.#settleBreaker(ending);
    const endedMs = this.#state.clock.monotonic();
    const ended = this.#response?.end();
    if (ended) void ended.then(() => this.#settle(ending, endedMs));
    else this.#settle(ending, endedMs);
  }

  #settleBreaker(ending: Ending): void {
    // A provider that hangs up on an unfinished upload may have waited for the client.
    const hangsOnClient = this.#isUploading && !this.request.complete;
    if (ending === "upstream_timeout" || (ending === "upstream_unreachable" && !hangsOnClient))
      this.#tellBreaker(true);
    else this.#breaker.abandon(this.plan.breaker);
  }

  #tellBreaker(failed: boolean): void {
    if (!this.#breakerAsked) return;
    this.#breakerAsked = false;
    if (failed) this.#breaker.failure(this.plan.breaker, this.#state.clock.monotonic());
    else this.#breaker.success(this.plan.breaker);
  }

  get #breaker() {
    return this.plan.settings.breakers.get(this.plan.provider.name)!;
  }

  #settle(ending: Ending, endedMs: number): void {
    const { metrics } = this.#state;
    // Not before: a shutdown waits for the rows of what is in flight.
    metrics.live.inFlight--;
    const facts = this.#facts(ending, endedMs);
    if (facts.ttftMs !== undefined) metrics.ttft.observe(facts.ttftMs / 1000, this.plan.provider.name);
    metrics.latency.observe(facts.latencyMs / 1000, this.plan.provider.name);
    if (facts.tap?.parseErrors) metrics.parseErrors.add(facts.tap.parseErrors);
    countTokens(metrics, this.plan.provider.name, facts.tap?.usage);
    // Refused in the middle of its upload, it was never admitted; unless the provider had answered already.
    if (ending === "refused" && this.#status === undefined) return;
    const { plan } = this;
    const row = plan.managed && buildRow(plan, plan.managed, facts, this.#state.timestamp());
    if (row) this.#state.emitRow(row);
    this.#span?.end(row ?? summarize(plan, facts), row);
  }

  #facts(ending: Ending, endedMs: number): Facts {
    const response = this.#response;
    const tap = response?.result();
    response?.release();
    const started = this.plan.startedMs;
    return {
      ending,
      tap,
      status: this.#status,
      streamed: this.#streaming || (tap?.sse ?? false),
      complete: ending === "complete" && (response?.cameWhole(tap) ?? true),
      // Many SDKs hang up as soon as they have read the protocol's own end: that is no cancellation.
      clientGone: this.#clientGone && (this.#drained || !tap?.complete),
      request: this.request,
      responseBytes: response?.bytes ?? 0,
      ttftMs:
        this.#firstByteMs === undefined ? undefined : Math.max(0, Math.round(this.#firstByteMs - started)),
      latencyMs: Math.max(0, Math.round(endedMs - started)),
    };
  }
}

function endingOf(code: ErrorCode): Ending {
  if (code === "upstream_unreachable" || code === "upstream_timeout") return code;
  return code === "internal_error" ? "upstream_cut" : "refused";
}

function withoutLength(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() !== "content-length") kept.push(headers[i]!, headers[i + 1]!);
  }
  return kept;
}
