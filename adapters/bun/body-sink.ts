/** A response body that is written, not pulled: Bun's direct stream, which costs half of what a stream of chunks does. */

/** What is used of the controller that Bun makes for a direct stream (https://bun.com/docs/api/streams). */
interface DirectController {
  /** A promise when the client's connection takes no more for now: it settles when it does, or is gone. */
  write(bytes: Uint8Array): number | Promise<number>;
  flush(): unknown;
  end(): void;
}

interface DirectSource {
  readonly type: "direct";
  pull(controller: DirectController): Promise<void> | undefined;
}

/** The global one, with Bun's own kind of source, which the DOM's types do not know. */
declare const ReadableStream: new (source: DirectSource) => ReadableStream<Uint8Array>;

export class BodySink {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #onDrain: () => void;
  readonly #done = Promise.withResolvers<void>();
  #controller: DirectController | undefined;
  /** What is written before Bun asks for it. */
  #early: Uint8Array[] = [];
  #ended = false;
  #broken = false;
  #full: Promise<unknown> | undefined;

  /** `onDrain` is called after a `flush` that gave false. */
  constructor(onDrain: () => void) {
    this.#onDrain = onDrain;
    this.stream = new ReadableStream({
      type: "direct",
      pull: (controller) => this.#open(controller),
    });
  }

  #open(controller: DirectController): Promise<void> | undefined {
    this.#controller = controller;
    for (const bytes of this.#early) this.write(bytes);
    this.#early = [];
    if (this.#ended) {
      controller.end();
      return undefined;
    }
    controller.flush();
    if (this.#broken) this.#breakSoon();
    return this.#done.promise;
  }

  write(bytes: Uint8Array): void {
    if (!this.#controller) return void this.#early.push(bytes);
    const taken = this.#controller.write(bytes);
    if (typeof taken === "number") return;
    this.#full = taken;
    void taken.then(this.#drained, this.#drained);
  }

  readonly #drained = (): void => {
    this.#full = undefined;
    this.#onDrain();
  };

  /** Sends what was written. False: the client takes no more for now. */
  flush(): boolean {
    this.#controller?.flush();
    return this.#full === undefined;
  }

  end(): void {
    this.#ended = true;
    this.#controller?.end();
    this.#done.resolve();
  }

  /** What was written goes out, and then the client's connection breaks, so that nobody takes the body for whole. */
  breakOff(): void {
    this.#broken = true;
    if (this.#controller) this.#breakSoon();
  }

  #breakSoon(): void {
    // A turn later: Bun drops what an error follows in the same turn of its loop.
    const soon = (): void => void setTimeout(() => this.reset(), 0);
    if (this.#full) void this.#full.then(soon, soon);
    else soon();
  }

  /** Breaks the client's connection now, if it is not gone already. Without a reason: Bun would print it. */
  reset(): void {
    if (this.#controller) this.#done.reject(undefined);
  }
}
