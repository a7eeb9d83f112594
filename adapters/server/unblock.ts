/**
 * Makes a standard stream that is a pipe non-blocking, which Node and Bun do when the stream is first asked for. Until then
 * whoever writes to a full one waits for its reader: the event loop, or a thread of the pool, which Node's exit waits for.
 */
export function unblock(name: "stdout" | "stderr"): void {
  process[name].on("error", () => {});
}
