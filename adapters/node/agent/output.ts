/** A writer on stdout: in order, nothing dropped, and it says when nobody reads any more. */
import type { Writable } from "node:stream";

export interface Output {
  /** Settles when the text has left the process. Never rejects: a closed pipe is reported once, by `onClosed`. */
  write(text: string): Promise<void>;
  /** Settles when all that was written is out. */
  flush(): Promise<void>;
}

export function createOutput(stream: Writable, onClosed: () => void): Output {
  let last: Promise<void> = Promise.resolve();
  let closed = false;
  // Without a listener a closed pipe would end the process in the middle of a turn.
  stream.on("error", () => {
    if (!closed) onClosed();
    closed = true;
  });
  return {
    write(text) {
      if (closed) return Promise.resolve();
      last = new Promise((resolve) => {
        stream.write(text, () => resolve());
      });
      return last;
    },
    flush: () => last,
  };
}
