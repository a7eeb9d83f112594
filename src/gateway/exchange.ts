/**
 * The life of one admitted request, driven by a transport and knowing none: bytes of the request go through
 * `request`, the head through `begin`, bytes of the response through `relay`, and one `finish` ends it with its row.
 */
import { createUsageFilter } from "../scan/usage-filter.ts";
import { createUsageTap, type UsageTap } from "../scan/usage-tap.ts";
import { wireOf } from "../scan/wires.ts";
import type { Plan } from "./admission.ts";
import { type ErrorCode, type ErrorResponse, errorResponse, wireCode } from "./errors.ts";
import { headersDown } from "./headers.ts";
import { label } from "./metrics.ts";
import type { BodyDecoder, HeaderList } from "./ports.ts";
import { createRequestBody, type RequestBody } from "./request-body.ts";
import { buildRow, countTokens, type Ending, type Facts } from "./settle.ts";
import type { GatewayState } from "./state.ts";

/** Largest declared body that is read whole before it is sent, in bytes: one write, an exact length, and it can be replayed. */
export const MAX_WHOLE_BODY = 65_536;

/** Hands bytes on to the client. */
export type Write = (bytes: Uint8Array) => void;

export class Exchange {
  readonly plan: Plan;
  readonly request: RequestBody;
  readonly #state: GatewayState;
  readonly #providerLabel: string;
  #status: number | undefined;
  #tap: UsageTap | undefined;
  #filter: ReturnType<typeof createUsageFilter> | undefined;
  #decoder: BodyDecoder | undefined;
  #tapBroke = false;
  /** The body has an end of its own that the tap sees: JSON and SSE. */
  #hasProtocolEnd = false;
  #streaming = false;
  #clientGone = false;
  #firstByteMs: number | undefined;
  #responseBytes = 0;
  #held = 0;
  #keyIndex = 0;
  #breakerAsked = true;
  #finished = false;

  constructor(state: GatewayState, plan: Plan) {
    this.#state = state;
    this.plan = plan;
    this.#providerLabel = label("provider", plan.provider.name);
    this.request = createRequestBody(plan);
    state.metrics.live.inFlight++;
  }

  /** The headers that go up, without `content-length`. */
  headersUp(): string[] {
    return this.plan.headersFor(this.plan.managed?.poolKeys[this.#keyIndex]);
  }

  /** Bytes a transport keeps for this request from now on; the last amount replaces the one before. */
  hold(bytes: number): void {
    this.#state.budget.hold(bytes - this.#held);
    this.#held = bytes;
  }

  connectRetried(): void {
    this.#state.metrics.connectRetries.add(1, this.#providerLabel);
  }

  /** The provider's head is here. Gives the headers for the client. */
  begin(status: number, headers: HeaderList): string[] {
    this.#status = status;
    const { plan } = this;
    this.#state.metrics.responses.add(
      1,
      `${this.#providerLabel},${label("status", `${Math.floor(status / 100)}xx`)}`,
    );
    this.#tellBreaker(status >= 500);
    const poolKey = plan.managed?.poolKeys[this.#keyIndex];
    const head = headersDown(headers, poolKey);
    const hasBody = plan.method !== "HEAD" && status !== 204 && status !== 304;
    if (hasBody) this.#openTap(status, head.contentType, head.contentEncoding);
    const down = this.#filter ? withoutLength(head.headers) : head.headers;
    down.push("x-beyond-request-id", plan.requestId, "x-beyond-provider", plan.provider.name);
    return down;
  }

  #openTap(status: number, contentType: string, contentEncoding: string): void {
    const sse = contentType.includes("text/event-stream");
    const json = contentType.includes("json");
    const unknown = contentType === "";
    this.#hasProtocolEnd = sse || json;
    if (sse) this.#enterStream();
    if (!sse && !json && !unknown) return;
    const tap = createUsageTap({ wire: wireOf(this.plan.path), sse: unknown ? undefined : sse, status });
    if (contentEncoding === "") {
      this.#tap = tap;
      if (sse && this.request.asked) this.#filter = createUsageFilter(tap, () => this.#countFault());
      return;
    }
    this.#decoder = this.#state.createDecoder(contentEncoding, (bytes) => tap.push(bytes));
    if (this.#decoder) this.#tap = tap;
    else this.#hasProtocolEnd = false;
  }

  #enterStream(): void {
    this.#streaming = true;
    this.#state.metrics.live.streams++;
  }

  /**
   * One chunk from the provider. It is written before the tap looks at it, but where our own question is hidden from the
   * client. A promise (compressed bodies only) asks the transport to wait: the side copy is bounded.
   */
  relay(chunk: Uint8Array, write: Write): void | Promise<void> {
    this.#countResponse(chunk);
    if (this.#filter) {
      for (const visible of this.#filter.push(chunk)) write(visible);
      return;
    }
    write(chunk);
    return this.#look(chunk);
  }

  /** One chunk after the client left: for the tap alone. */
  drain(chunk: Uint8Array): void | Promise<void> {
    this.#countResponse(chunk);
    return this.#look(chunk);
  }

  #countResponse(chunk: Uint8Array): void {
    this.#firstByteMs ??= this.#state.clock.monotonic();
    this.#responseBytes += chunk.length;
  }

  #look(chunk: Uint8Array): void | Promise<void> {
    if (!this.#tap || this.#tapBroke) return;
    try {
      if (!this.#decoder) this.#tap.push(chunk);
      else return this.#decoder.push(chunk)?.catch(() => this.#countFault());
    } catch {
      this.#countFault();
    }
  }

  /** The provider's body has ended, cleanly or not: what the filter still holds belongs to the client. */
  flush(write: Write): void {
    if (this.#filter) for (const visible of this.#filter.end()) write(visible);
  }

  #countFault(): void {
    this.#tapBroke = true;
    this.#state.metrics.parseErrors.add();
  }

  /** The client is gone. True: read on, the row is worth it (`on_disconnect = "drain"`). */
  clientLeft(): boolean {
    this.#clientGone = true;
    return (
      this.plan.managed !== undefined &&
      this.plan.provider.onDisconnect === "drain" &&
      this.#status !== undefined
    );
  }

  /** A managed 429 that another pool key may answer, if the request can be replayed. */
  walkToNextKey(status: number): boolean {
    const keys = this.plan.managed?.poolKeys;
    if (status !== 429 || !keys || this.#keyIndex + 1 >= keys.length || !this.request.replayable)
      return false;
    this.#keyIndex++;
    this.#state.metrics.keyWalks.add(1, this.#providerLabel);
    return true;
  }

  /** There is no response of the provider's to give: the refusal for the client, and the end of the exchange. */
  fail(code: ErrorCode): ErrorResponse {
    const { dialect, requestId } = this.plan;
    this.#state.metrics.rejections.add(1, label("reason", wireCode(code)));
    this.finish(endingOf(code));
    return errorResponse({ ok: false, code, dialect, requestId });
  }

  /** Ends the exchange, once: breaker, gauges, metrics and the row. */
  finish(ending: Ending): void {
    if (this.#finished) return;
    this.#finished = true;
    this.hold(0);
    this.#state.metrics.live.inFlight--;
    if (this.#streaming) this.#state.metrics.live.streams--;
    if (this.#breakerAsked) this.#settleBreaker(ending);
    const endedMs = this.#state.clock.monotonic();
    const ended = this.#endTap();
    if (ended) void ended.then(() => this.#settle(ending, endedMs));
    else this.#settle(ending, endedMs);
  }

  #settleBreaker(ending: Ending): void {
    if (ending === "upstream_unreachable" || ending === "upstream_timeout") this.#tellBreaker(true);
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

  #endTap(): Promise<void> | undefined {
    try {
      const flushed = this.#decoder?.end();
      if (flushed) return flushed.catch(() => {}).then(() => this.#tap?.end());
      if (!this.#filter) this.#tap?.end();
    } catch {
      this.#countFault();
    }
    return undefined;
  }

  #settle(ending: Ending, endedMs: number): void {
    const facts = this.#facts(ending, endedMs);
    const { metrics } = this.#state;
    if (facts.ttftMs !== undefined) metrics.ttft.observe(facts.ttftMs / 1000, this.#providerLabel);
    metrics.latency.observe(facts.latencyMs / 1000, this.#providerLabel);
    if (facts.tap?.parseErrors) metrics.parseErrors.add(facts.tap.parseErrors);
    countTokens(metrics.tokens, facts.tap?.usage);
    if (this.plan.managed && ending !== "refused")
      this.#state.emitRow(buildRow(this.plan, this.plan.managed, facts));
  }

  #facts(ending: Ending, endedMs: number): Facts {
    const tap = this.#tap && !this.#tapBroke ? this.#tap.result() : undefined;
    const started = this.plan.startedMs;
    const transportEnded = ending === "complete";
    return {
      ending,
      tap,
      status: this.#status,
      streamed: this.#streaming || (tap?.sse ?? false),
      complete: transportEnded && (!this.#hasProtocolEnd || (tap?.complete ?? true)),
      clientGone: this.#clientGone && !(tap?.complete ?? false),
      request: this.request,
      responseBytes: this.#responseBytes,
      ttftMs:
        this.#firstByteMs === undefined ? undefined : Math.max(0, Math.round(this.#firstByteMs - started)),
      latencyMs: Math.max(0, Math.round(endedMs - started)),
      endedAt: this.#state.clock.now(),
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
