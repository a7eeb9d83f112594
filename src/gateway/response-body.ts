/** A response's body on its way down: counted, metered in passing and, where our own question must be hidden, filtered. */
import { createUsageFilter, type UsageFilter } from "../scan/usage-filter.ts";
import { createUsageTap, type TapResult, type UsageTap } from "../scan/usage-tap.ts";
import type { Wire } from "../scan/wires.ts";
import type { BodyDecoder, CreateDecoder } from "./ports.ts";

/** Hands bytes on to the client. */
export type Write = (bytes: Uint8Array) => void;

export interface ResponseBodyOptions {
  readonly wire: Wire;
  readonly status: number;
  /** Lower case; `""` when absent. */
  readonly contentType: string;
  /** Lower case; `""` when plain. */
  readonly contentEncoding: string;
  /** In bytes; undefined when undeclared. */
  readonly contentLength: number | undefined;
  /** We asked for usage and the client did not. */
  readonly hidesUsage: boolean;
  readonly createDecoder: CreateDecoder;
  /** Called once if the tap or the decoder fails. Nothing is metered from then on, and the bytes go on. */
  readonly onFault: () => void;
}

export class ResponseBody {
  /** The content type says SSE. */
  readonly isStream: boolean;
  /** Received from the provider so far. */
  bytes = 0;
  readonly #onFault: () => void;
  /** It should be JSON or SSE, which have an end of their own that the tap sees. */
  #hasProtocolEnd: boolean;
  #tap: UsageTap | undefined;
  #filter: UsageFilter | undefined;
  #decoder: BodyDecoder | undefined;
  /** The last chunk's. It never rejects. */
  #decoding: Promise<void> | undefined;
  #broken = false;
  #hasDecoded = false;
  /** The decoder failed later on: what it gave before counts as the response of a provider that was cut. */
  #isCut = false;
  #tapEnded = false;

  constructor(options: ResponseBodyOptions) {
    const { contentType } = options;
    this.#onFault = options.onFault;
    this.isStream = contentType.includes("text/event-stream");
    this.#hasProtocolEnd = this.isStream || contentType.includes("json");
    this.#open(options);
  }

  #open(options: ResponseBodyOptions): void {
    const { wire, status, contentEncoding, contentLength, hidesUsage, createDecoder } = options;
    // A content type may be wrong, and rows are money: the tap goes by the first bytes where those are clear.
    const tap = createUsageTap({ wire, sse: this.#hasProtocolEnd ? this.isStream : undefined, status });
    if (contentEncoding === "") {
      this.#tap = tap;
      // Nor is everything that streams called a stream; what has a length is none.
      const mayStream = this.isStream || contentLength === undefined;
      if (mayStream && hidesUsage) this.#filter = createUsageFilter(tap, () => this.#fail());
      return;
    }
    // A decoder calls back from where nobody would catch.
    this.#decoder = createDecoder(contentEncoding, (bytes) => {
      this.#hasDecoded = true;
      this.#guard(() => tap.push(bytes));
    });
    if (this.#decoder) this.#tap = tap;
    else this.#hasProtocolEnd = false;
  }

  /** The client may get fewer bytes than the provider declared. */
  get mayShrink(): boolean {
    return this.#filter !== undefined;
  }

  /**
   * One chunk from the provider. It is written before the tap looks at it, but where the filter must look first. A
   * promise (compressed bodies only) asks the transport to wait: the side copy is bounded.
   */
  relay(chunk: Uint8Array, write: Write): void | Promise<void> {
    if (!this.#filter) {
      write(chunk);
      return this.meter(chunk);
    }
    this.bytes += chunk.length;
    for (const visible of this.#filter.push(chunk)) write(visible);
  }

  /** One chunk that nobody reads any more: for the tap alone. */
  meter(chunk: Uint8Array): void | Promise<void> {
    this.bytes += chunk.length;
    if (!this.#tap || this.#broken || this.#isCut) return;
    if (!this.#decoder) return this.#look(this.#tap, chunk);
    this.#decoding = this.#guard(() => this.#decoder?.push(chunk))?.catch(() => this.#failDecoding());
    return this.#decoding;
  }

  /** The provider's body has ended, cleanly or not: what the filter still holds belongs to the client. */
  flush(write: Write): void {
    if (!this.#filter) return;
    this.#tapEnded = true;
    for (const visible of this.#filter.end()) write(visible);
  }

  /** No more will come. A promise while the decoder still has bytes to give; it never rejects. */
  end(): Promise<void> | undefined {
    return this.#decoding ? this.#decoding.then(() => this.#endDecoder()) : this.#endDecoder();
  }

  #endDecoder(): Promise<void> | undefined {
    const flushed = this.#guard(() => this.#decoder?.end());
    // A compressed stream that was cut counts as far as it could be decoded.
    if (flushed) return flushed.catch(() => {}).then(() => this.#endTap());
    this.#endTap();
    return undefined;
  }

  #endTap(): void {
    if (this.#tapEnded) return;
    this.#tapEnded = true;
    this.#guard(() => this.#tap?.end());
  }

  /** Undefined when the body could not be read. */
  result(): TapResult | undefined {
    return this.#broken ? undefined : this.#tap?.result();
  }

  /** Its result has been taken. */
  release(): void {
    this.#tap?.release();
    this.#tap = undefined;
  }

  /** Whether it came whole, given that the transport saw a clean end. */
  cameWhole(result: TapResult | undefined): boolean {
    const hasProtocolEnd = this.#hasProtocolEnd || result?.sse === true;
    return !hasProtocolEnd || (result?.complete ?? true);
  }

  /** `#guard` without a closure for each chunk. */
  #look(tap: UsageTap, chunk: Uint8Array): void {
    try {
      tap.push(chunk);
    } catch {
      this.#fail();
    }
  }

  #guard<T>(look: () => T): T | undefined {
    if (this.#broken) return undefined;
    try {
      return look();
    } catch {
      this.#fail();
      return undefined;
    }
  }

  #failDecoding(): void {
    if (!this.#hasDecoded) return this.#fail();
    this.#isCut = true;
    this.#onFault();
  }

  #fail(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#onFault();
  }
}
