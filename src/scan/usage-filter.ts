/** Hides the answer to our own question: the event whose `choices` is `[]` and whose `usage` is an object (gateway.md 6). */
import type { UsageTap } from "./usage-tap.ts";

/** Most bytes of an undecided event that are held back; a longer one passes. */
export const MAX_HELD_BYTES = 4096;

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
    const window = createWindow(this.#held, chunk, this.#offset);
    const shown: Uint8Array[] = [];
    let at = this.#afterHiddenCr(window, window.from);
    for (let i = 0; i < answers.length; i += 2) {
      const from = answers[i]!;
      const to = answers[i + 1]!;
      if (from === this.#passing) continue;
      window.copy(at, from, shown);
      this.#hidesLf = window.byte(to - 1) === CR;
      at = this.#afterHiddenCr(window, to);
    }
    const holdFrom = this.#holdFrom(undecidedFrom, window.to);
    window.copy(at, holdFrom, shown);
    this.#held = window.slice(holdFrom);
    this.#offset = window.to;
    return shown;
  }

  #holdFrom(undecidedFrom: number, end: number): number {
    if (undecidedFrom < 0 || undecidedFrom === this.#passing) return end;
    if (end - undecidedFrom <= MAX_HELD_BYTES) return undecidedFrom;
    this.#passing = undecidedFrom;
    return end;
  }

  #afterHiddenCr(window: Window, at: number): number {
    if (!this.#hidesLf || at >= window.to) return at;
    this.#hidesLf = false;
    return window.byte(at) === LF ? at + 1 : at;
  }
}

type Window = ReturnType<typeof createWindow>;

/** The held bytes and the chunk behind them, by offsets in the body. */
function createWindow(held: Uint8Array, chunk: Uint8Array, offset: number) {
  const from = offset - held.length;
  return {
    from,
    to: offset + chunk.length,
    byte: (at: number): number | undefined => (at < offset ? held[at - from] : chunk[at - offset]),
    copy(start: number, end: number, parts: Uint8Array[]): void {
      if (start < offset && start < end)
        parts.push(held.subarray(start - from, Math.min(end, offset) - from));
      const inChunk = Math.max(start, offset);
      if (inChunk >= end) return;
      const isAll = inChunk === offset && end - offset === chunk.length;
      parts.push(isAll ? chunk : chunk.subarray(inChunk - offset, end - offset));
    },
    /** An own copy of what is behind `start`, at most `MAX_HELD_BYTES`. */
    slice(start: number): Uint8Array {
      const size = offset + chunk.length - start;
      if (size <= 0) return NO_BYTES;
      const own = new Uint8Array(size);
      if (start < offset) own.set(held.subarray(start - from));
      own.set(chunk.subarray(Math.max(start - offset, 0)), Math.max(offset - start, 0));
      return own;
    },
  };
}
