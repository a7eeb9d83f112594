/** How long a client's connection waits: for a request, the rest of one, a reader, or the end of an upload that nobody wants. */

/** Time for a client to send its whole request head, in milliseconds. */
const HEAD_MS = 60_000;
/** How long an idle connection is kept. Longer than the usual load balancer's 60 s, so that the balancer closes first. */
const IDLE_MS = 75_000;
/** How long an upload that nobody wants may be silent while it is read and dropped, so that the client gets to read its answer. */
const LINGER_MS = 5_000;
/** How long that may take in all. */
const MAX_LINGER_MS = 30_000;

export interface DeadlineClock {
  /** Milliseconds. */
  now(): number;
  /** How long a client may be silent in its upload, or in its reading, in milliseconds. */
  patienceMs(): number;
}

/** Of one connection: there is at most one thing that it waits for. A new one is that of an idle connection. */
export class Deadline {
  readonly #clock: DeadlineClock;
  #at: number;
  #isHeadBegun = false;
  #lingersUntil = 0;

  constructor(clock: DeadlineClock) {
    this.#clock = clock;
    this.#at = clock.now() + IDLE_MS;
  }

  awaitRequest(): void {
    this.#at = this.#clock.now() + IDLE_MS;
  }

  /** From the first byte of a head on, however many follow. */
  awaitHead(): void {
    if (this.#isHeadBegun) return;
    this.#isHeadBegun = true;
    this.#at = this.#clock.now() + HEAD_MS;
  }

  /** The head is here. */
  headCame(): void {
    this.#isHeadBegun = false;
    this.lift();
  }

  /** It is the client's turn, to send or to read. */
  awaitClient(): void {
    this.#at = this.#clock.now() + this.#clock.patienceMs();
  }

  /** It is not the client's turn. */
  lift(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** The answer is out, and the client goes on sending. */
  linger(): void {
    this.#lingersUntil = this.#clock.now() + MAX_LINGER_MS;
    this.lingerOn();
  }

  /** Some more was dropped. */
  lingerOn(): void {
    this.#at = Math.min(this.#clock.now() + LINGER_MS, this.#lingersUntil);
  }

  isOver(now: number): boolean {
    return now >= this.#at;
  }
}
