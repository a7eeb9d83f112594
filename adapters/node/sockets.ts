/** Node's sockets, as the HTTP client uses them: read into one memory for all, written in as few pieces as there are. */
import type { Socket } from "node:net";
import { addressOf, type ClientSocket, type OpenSocket, type SocketUser } from "../server/http/socket.ts";

const { connect, isIP } = process.getBuiltinModule("node:net");

/** As large as what a system gives at once. */
const READ_BYTES = 65_536;

/** A head and a body up to this are put together: a piece more costs more than to copy it. */
const GATHER_BYTES = 16_384;

/** A peer that is gone without a word is found out by TCP's own probes, even where it may be silent for long. */
const PROBE_AFTER_MS = 60_000;

/**
 * A read is done, and handed on, before the next one begins, on whichever socket. Memory of its own for each would be 64 KB
 * for as long as a stream lasts.
 */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** By authority, for the next connection: a handshake without certificates (RFC 8446 §2.2). The config bounds how many. */
const sessions = new Map<string, Buffer>();

class NodeSocket implements ClientSocket {
  readonly #socket: Socket;
  readonly #user: SocketUser;
  #isOpen = false;
  /** Some of what was written is not taken yet. */
  #waits = false;

  constructor(authority: string, tls: boolean, user: SocketUser) {
    this.#user = user;
    this.#socket = tls ? this.#connectTls(authority) : this.#connect(authority);
    this.#socket
      .once(tls ? "secureConnect" : "connect", () => {
        this.#isOpen = true;
        user.onOpen(this);
      })
      .on("end", () => user.onClose(true))
      .on("error", (error) => this.#onError(error))
      .on("close", () => user.onClose(false));
  }

  #connect(authority: string): Socket {
    return connect({ ...addressOf(authority), ...this.#options() });
  }

  #connectTls(authority: string): Socket {
    const address = addressOf(authority);
    const session = sessions.get(authority);
    // Loaded with the first connection that needs it.
    return process
      .getBuiltinModule("node:tls")
      .connect({
        ...address,
        ...this.#options(),
        // An address is no server's name (RFC 6066 §3), and its certificate is checked for it all the same.
        ...(isIP(address.host) === 0 && { servername: address.host }),
        ...(session && { session }),
        ALPNProtocols: ["http/1.1"],
        rejectUnauthorized: true,
      })
      .on("session", (session) => sessions.set(authority, session));
  }

  #options() {
    return {
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_AFTER_MS,
      onread: { buffer: readBuffer, callback: this.#onRead },
    };
  }

  readonly #onRead = (length: number, bytes: Uint8Array): boolean => {
    this.#user.onData(Buffer.from(bytes.subarray(0, length)));
    return true;
  };

  #onError(error: Error): void {
    if (this.#isOpen) this.#user.onClose(false);
    else this.#user.onConnectError(error);
  }

  write(text: string, parts: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    const length = parts.reduce((sum, part) => sum + part.length, text.length);
    if (length <= GATHER_BYTES) socket.write(gathered(text, parts, length), this.#onWritten);
    else {
      socket.cork();
      if (text !== "") socket.write(text, "latin1");
      for (const part of parts) socket.write(part, this.#onWritten);
      socket.uncork();
    }
    this.#waits = socket.writableLength > 0;
    return !this.#waits;
  }

  readonly #onWritten = (): void => {
    if (!this.#waits || this.#socket.writableLength > 0) return;
    this.#waits = false;
    this.#user.onDrain();
  };

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  setIdle(isIdle: boolean): void {
    if (isIdle) this.#socket.unref();
    else this.#socket.ref();
  }

  close(): void {
    this.#socket.destroy();
  }
}

function gathered(text: string, parts: readonly Uint8Array[], length: number): Uint8Array {
  if (text === "" && parts.length === 1) return parts[0]!;
  const whole = Buffer.allocUnsafe(length);
  let at = whole.write(text, "latin1");
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const openSocket: OpenSocket = (authority, tls, user) => {
  const socket = new NodeSocket(authority, tls, user);
  return () => socket.close();
};
