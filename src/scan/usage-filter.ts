/** Hides the answer to our own question: the event whose `choices` is `[]` and whose `usage` is an object (gateway.md 6). */
import { ByteWindow } from "./byte-window.ts";
import type { UsageTap } from "./usage-tap.ts";

/** Most bytes of an undecided event that are held back; a longer one passes. */
const MAX_HELD_BYTES = 4096;

export interface UsageFilter {
  /** What may go on to the client, mostly the chunk itself. Parts of it are subarrays. */
  push(chunk: Uint8Array): readonly Uint8Array[];
  /** The body ended, cleanly or not: the rest of what was held. Also ends the tap. */
  end(): readonly Uint8Array[];
}

const LF = 0x0a;
const CR = 0x0d;
const NOTHING: readonly Uint8Array[] = [];
const NO_BYTES = new Uint8Array(0);

/**
 * Sits on a tap and feeds it, so that each event is parsed once.
 * @param onFault called once if the tap throws; from then on everything passes
 */
export function createUsageFilter(tap: UsageTap, onFault?: () => void): UsageFilter {
  return new Filter(tap, onFault);
}

class Filter implements UsageFilter {
  readonly #tap: UsageTap;
  readonly #onFault: (() => void) | undefined;
  #broken = false;
  /** Undecided bytes, which end where the next chunk begins. */
  #held: Uint8Array = NO_BYTES;
  /** Offset in the body of the next chunk. */
  #offset = 0;
  /** An event that begins here was too long to hold: it passes. */
  #passing = -1;
  /** The last hidden event ended with a CR, whose LF may come in the next chunk. */
  #hidesLf = false;

  constructor(tap: UsageTap, onFault?: () => void) {
    this.#tap = tap;
    this.#onFault = onFault;
  }

  push(chunk: Uint8Array): readonly Uint8Array[] {
    if (chunk.length === 0) return NOTHING;
    this.#guard(() => this.#tap.push(chunk));
    if (this.#broken) return this.#release(chunk);
    const { answers, undecidedFrom } = this.#tap.events;
    const isPlain = answers.length === 0 && undecidedFrom < 0 && this.#held.length === 0 && !this.#hidesLf;
    if (!isPlain) return this.#cut(chunk, answers, undecidedFrom);
    this.#offset += chunk.length;
    return [chunk];
  }

  end(): readonly Uint8Array[] {
    this.#guard(() => this.#tap.end());
    if (this.#broken) return this.#release(NO_BYTES);
    return this.#cut(NO_BYTES, this.#tap.events.answers, -1);
  }

  #guard(look: () => void): void {
    if (this.#broken) return;
    try {
      look();
    } catch {
      this.#broken = true;
      this.#onFault?.();
    }
  }

  #release(chunk: Uint8Array): readonly Uint8Array[] {
    const parts = [this.#held, chunk].filter((part) => part.length > 0);
    this.#held = NO_BYTES;
    return parts;
  }

  #cut(chunk: Uint8Array, answers: readonly number[], undecidedFrom: number): readonly Uint8Array[] {
    const window = new ByteWindow(this.#held, chunk, this.#offset);
    const shown: Uint8Array[] = [];
    let at = this.#afterHiddenCr(window, window.from);
    for (let i = 0; i < answers.length; i += 2) {
      const from = answers[i]!;
      const to = answers[i + 1]!;
      // A long one passes however it is cut: what a client sees must not hang on the chunks.
      if (from === this.#passing || from < at || to - from > MAX_HELD_BYTES) continue;
      window.take(at, from, shown);
      this.#hidesLf = window.byte(to - 1) === CR;
      at = this.#afterHiddenCr(window, to);
    }
    const holdFrom = this.#holdFrom(undecidedFrom, at, window.to);
    window.take(at, holdFrom, shown);
    this.#held = window.copy(holdFrom);
    this.#offset = window.to;
    return shown.filter((part) => part.length > 0);
  }

  /** @param shownTo what comes before went out, or is hidden: an event that began there is decided */
  #holdFrom(undecidedFrom: number, shownTo: number, end: number): number {
    if (undecidedFrom < shownTo || undecidedFrom === this.#passing) return end;
    if (end - undecidedFrom <= MAX_HELD_BYTES) return undecidedFrom;
    this.#passing = undecidedFrom;
    return end;
  }

  #afterHiddenCr(window: ByteWindow, at: number): number {
    if (!this.#hidesLf || at >= window.to) return at;
    this.#hidesLf = false;
    return window.byte(at) === LF ? at + 1 : at;
  }
}
