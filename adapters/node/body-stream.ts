/** A request's body as undici takes it, with nothing of a Readable but its events: a queue of its own would cost a hop a chunk. */
import { Readable, Stream } from "node:stream";

/** Whoever makes it emits `data` and `end`, between `onResume` and `onPause`. */
export class BodyStream extends Stream {
  destroyed = false;
  /** The provider takes no more for now. */
  readonly pause: () => void;
  /** It does, or again. */
  readonly resume: () => void;

  constructor(onPause: () => void, onResume: () => void) {
    super();
    this.pause = onPause;
    this.resume = onResume;
  }

  /** Before its end: the provider must never see the body completed. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    // A turn later, as every stream does it: undici may be in the middle of something.
    process.nextTick(() => this.emit("close"));
  }
}

/** For HTTP/2, where undici pipes what it is given. */
export function asReadable(body: BodyStream): Readable {
  const readable = new Readable({
    read: () => body.resume(),
    destroy: (error, done) => {
      body.destroy();
      done(error);
    },
  });
  body.on("data", (chunk: Uint8Array) => {
    if (!readable.push(chunk)) body.pause();
  });
  body.on("end", () => readable.push(null));
  body.on("close", () => readable.destroy());
  return readable.on("error", () => {});
}
