/** How long one side may keep us waiting: a provider for a head, the next chunk or room to write, a client for its upload. */
import type { Clock } from "./ports.ts";

export interface IdleTimer {
  /** It is their turn; counts anew from now. */
  waiting(): void;
  /** It is not. */
  pause(): void;
  /** For good. */
  stop(): void;
  readonly expired: boolean;
}

/** `onExpired` is called at most once. One timer a request, set again only when it fires: a chunk costs a clock reading. */
export function createIdleTimer(ms: number, clock: Clock, onExpired: () => void): IdleTimer {
  return new OneTimer(ms, clock, onExpired);
}

/** A class, as an object literal with a getter is a shape of its own each time: V8 keeps it, and all it refers to, for long. */
class OneTimer implements IdleTimer {
  readonly #ms: number;
  readonly #clock: Clock;
  readonly #onExpired: () => void;
  #since: number | undefined;
  #timer: ReturnType<typeof setTimeout>;
  expired = false;

  constructor(ms: number, clock: Clock, onExpired: () => void) {
    this.#ms = ms;
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#timer = setTimeout(check, ms, this);
  }

  check(): void {
    const left = this.#since === undefined ? this.#ms : this.#since + this.#ms - this.#clock.monotonic();
    if (left > 0) {
      this.#timer = setTimeout(check, left, this);
      return;
    }
    this.expired = true;
    this.#onExpired();
  }

  waiting(): void {
    this.#since = this.#clock.monotonic();
  }

  pause(): void {
    this.#since = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

const check = (timeout: OneTimer): void => timeout.check();
