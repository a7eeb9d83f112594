/** Joins the parts of a write: written one by one, each is a system call and wakes the peer. */
import type { BunSocket } from "./sockets.ts";

/** To join a 100 KB prompt and its head costs 5 µs, two more writes cost 15 µs. Anything larger is written part by part. */
const GATHER_BYTES = 128 * 1024;

/** A single part larger than this is written in place: copying it costs more than making a view of its memory. */
const IN_PLACE_BYTES = 16 * 1024;

const NOTHING: readonly Uint8Array[] = [];

/** One is enough for all connections: when a write returns, the kernel has copied what it took. */
export class WriteBuffer {
  readonly #bytes = Buffer.allocUnsafeSlow(GATHER_BYTES);

  /** `text` is Latin-1, and goes first. Gives what the socket did not take. */
  write(socket: BunSocket, text: string, parts: readonly Uint8Array[]): readonly Uint8Array[] {
    const length = parts.reduce((sum, part) => sum + part.length, text.length);
    if (length > GATHER_BYTES)
      return writeEach(socket, text === "" ? parts : [Buffer.from(text, "latin1"), ...parts]);
    if (length > IN_PLACE_BYTES && parts.length === 1 && parts[0]!.byteOffset >= text.length)
      return writeInPlace(socket, text, parts[0]!);
    let at = this.#bytes.write(text, "latin1");
    for (const part of parts) {
      this.#bytes.set(part, at);
      at += part.length;
    }
    const taken = takenOf(socket, this.#bytes, length);
    return taken === length ? NOTHING : [Uint8Array.from(this.#bytes.subarray(taken, length))];
  }
}

function takenOf(socket: BunSocket, bytes: Uint8Array, length: number): number {
  const taken = socket.write(bytes, 0, length);
  if (taken < 0) socket.data.onWriteFailed();
  return Math.max(0, taken);
}

/** Writes the head into the memory in front of the part, where the head that came with it stood when it was read. */
function writeInPlace(
  socket: BunSocket,
  text: string,
  { buffer, byteOffset, byteLength }: Uint8Array,
): readonly Uint8Array[] {
  const length = text.length + byteLength;
  // The cast holds: sockets never read into a SharedArrayBuffer.
  const whole = Buffer.from(buffer as ArrayBuffer, byteOffset - text.length, length);
  whole.write(text, "latin1");
  const taken = takenOf(socket, whole, length);
  return taken === length ? NOTHING : [whole.subarray(taken)];
}

/** Gives what the socket did not take. */
export function writeEach(socket: BunSocket, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  for (const [i, part] of parts.entries()) {
    const taken = takenOf(socket, part, part.length);
    if (taken < part.length) return [part.subarray(taken), ...parts.slice(i + 1)];
  }
  return NOTHING;
}
