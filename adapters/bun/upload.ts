/** A request body on its way up: read from Bun at the provider's pace, through the scanner. */
import type { Plan } from "../../src/gateway/admission.ts";
import { clientPatienceMs } from "../../src/gateway/client-patience.ts";
import type { ErrorCode } from "../../src/gateway/errors.ts";
import type { Clock } from "../../src/gateway/ports.ts";
import { createReadTimeout, type ReadTimeout } from "../../src/gateway/read-timeout.ts";
import type { RequestBody } from "../../src/gateway/request-body.ts";
import type { Call } from "./http/call.ts";

/** Why an upload stops before its end. The provider must never see it completed. */
export interface UploadEvents {
  /** It outgrew its limit, or may not be metered. */
  onRefused(code: ErrorCode): void;
  /** The client left. */
  onBrokenOff(): void;
  /** The client is there, and sends nothing more. */
  onStalled(): void;
  /** The provider takes no more. */
  onStuck(): void;
}

export class Upload {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #body: RequestBody;
  readonly #declaredLength: number | undefined;
  readonly #signal: AbortSignal;
  readonly #events: UploadEvents;
  readonly #clientTurn: ReadTimeout;
  readonly #providerTurn: ReadTimeout;
  #resume: (() => void) | undefined;
  #isOver = false;

  constructor(request: Request, body: RequestBody, plan: Plan, clock: Clock, events: UploadEvents) {
    const { config } = plan.settings;
    this.#reader = request.body!.getReader();
    this.#body = body;
    this.#declaredLength = plan.declaredLength;
    this.#signal = request.signal;
    this.#events = events;
    this.#clientTurn = createReadTimeout(clientPatienceMs(config), clock, () => events.onStalled());
    this.#providerTurn = createReadTimeout(config.writeTimeoutSecs * 1000, clock, () => events.onStuck());
  }

  /** Never rejects; the events tell why it stopped. */
  async run(call: Call): Promise<void> {
    try {
      for (let done = false; !done; ) {
        this.#clientTurn.waiting();
        const read = await this.#reader.read();
        this.#clientTurn.pause();
        if (this.#isOver) return;
        done = read.done;
        if (done && !this.#isWhole()) return this.#events.onBrokenOff();
        const chunks = read.done ? this.#body.end() : this.#body.push(read.value);
        if (typeof chunks === "string") return this.#events.onRefused(chunks);
        for (const chunk of chunks) if (chunk.length > 0 && !call.write(chunk)) await this.#drain();
      }
      this.cancel();
      call.end();
    } catch {
      if (!this.#isOver) this.#events.onBrokenOff();
    }
  }

  /** Bun closes the body of a client that left between two reads as if it had come to its end. */
  #isWhole(): boolean {
    return !this.#signal.aborted && this.#body.bytes === (this.#declaredLength ?? this.#body.bytes);
  }

  #drain(): Promise<void> {
    this.#providerTurn.waiting();
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  onDrain(): void {
    this.#providerTurn.pause();
    this.#resume?.();
  }

  /** Reads no more of it. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clientTurn.stop();
    this.#providerTurn.stop();
    void this.#reader.cancel().catch(() => {});
  }
}
