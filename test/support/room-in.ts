/** Waiting for a slow reader. */
import type { Writable } from "node:stream";

/** Resolves when the stream takes more, or never will. Leaves no listener behind, as a race of two `once` would. */
export function roomIn(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}
