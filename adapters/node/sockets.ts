/** Node's sockets, as HTTP uses them: opened here, or accepted; written in as few pieces as there are. */
import type { Socket } from "node:net";
import {
  addressOf,
  type ClientSocket,
  type ClientSocketUser,
  type ListenForSockets,
  type OpenSocket,
  type ServerSocket,
  type SocketUser,
} from "../server/http/socket.ts";
import { listen } from "./listen.ts";

const { connect, createServer, isIP } = process.getBuiltinModule("node:net");

/** As much as the kernel usually gives at once. */
const READ_BYTES = 65_536;

/** Up to this size a head and a body are joined: a separate write costs more than a copy. */
const GATHER_BYTES = 16_384;

/** TCP keep-alive probes find a peer that vanished, even where a response may be silent for long. */
const PROBE_AFTER_MS = 60_000;

/**
 * Shared by all sockets: what one read brings is copied out before the next read begins. A buffer for each socket would be
 * 64 KB for as long as its stream lasts.
 */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** TLS sessions by authority, so that the next handshake can resume one (RFC 8446 §2.2). As many as the config has providers. */
const sessions = new Map<string, Buffer>();

abstract class NodePeer {
  protected abstract readonly socket: Socket;
  protected abstract readonly user: SocketUser;
  /** Some of what was written has not been taken yet. */
  #waits = false;

  write(text: string, parts: readonly Uint8Array[]): boolean {
    const { socket } = this;
    const length = parts.reduce((sum, part) => sum + part.length, text.length);
    if (length <= GATHER_BYTES) socket.write(gathered(text, parts, length), this.#onWritten);
    else {
      socket.cork();
      if (text !== "") socket.write(text, "latin1", this.#onWritten);
      for (const part of parts) socket.write(part, this.#onWritten);
      socket.uncork();
    }
    this.#waits = socket.writableLength > 0;
    return !this.#waits;
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error || !this.#waits || this.socket.writableLength > 0) return;
    this.#waits = false;
    this.user.onDrain();
  };

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.destroy();
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

type WriteCallback = (error?: Error | null) => void;

class ClientPeer extends NodePeer implements ClientSocket {
  protected readonly socket: Socket;
  protected readonly user: ClientSocketUser;
  #isOpen = false;
  #hasWriteFailed = false;

  constructor(authority: string, tls: boolean, user: ClientSocketUser) {
    super();
    this.user = user;
    this.socket = tls ? this.#connectTls(authority) : this.#connect(authority);
    this.#readOnAfterFailedWrites();
    this.socket
      .once(tls ? "secureConnect" : "connect", () => {
        this.#isOpen = true;
        user.onOpen(this);
      })
      // The failed write may have taken a reset's error, and left a mere end to the reader.
      .on("end", () => user.onClose(!this.#hasWriteFailed))
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
    this.user.onData(Buffer.from(bytes.subarray(0, length)));
    return true;
  };

  /**
   * A provider may answer, and close, before it has been sent everything. The write that then fails must not destroy the
   * socket, which still holds the answer: it stays unfinished, and reading comes to the end by itself.
   */
  #readOnAfterFailedWrites(): void {
    const { socket } = this;
    const unlessFailed = (done: WriteCallback) => (error?: Error | null) => {
      if (error) this.#hasWriteFailed = true;
      else done();
    };
    const write = socket._write;
    const writeAll = socket._writev!;
    socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, unlessFailed(done));
    socket._writev = (chunks, done) => writeAll.call(socket, chunks, unlessFailed(done));
  }

  #onError(error: Error): void {
    if (this.#isOpen) this.user.onClose(false);
    else this.user.onConnectError(error);
  }

  setIdle(isIdle: boolean): void {
    if (isIdle) this.socket.unref();
    else this.socket.ref();
  }
}

export const openSocket: OpenSocket = (authority, tls, user) => {
  const socket = new ClientPeer(authority, tls, user);
  return () => socket.close();
};

class ServerPeer extends NodePeer implements ServerSocket {
  protected readonly socket: Socket;
  protected readonly user: SocketUser;

  constructor(socket: Socket, accept: (socket: ServerSocket) => SocketUser) {
    super();
    this.socket = socket;
    const user = accept(this);
    this.user = user;
    socket
      .on("data", (bytes) => user.onData(bytes))
      .on("end", () => user.onClose(true))
      .on("error", () => user.onClose(false))
      .on("close", () => user.onClose(false));
  }

  shutdown(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }
}

export const listenForSockets: ListenForSockets = async (address, accept) => {
  const server = createServer({ noDelay: true }, (socket) => {
    new ServerPeer(socket, accept);
  });
  return { port: await listen(server, address), stop: () => void server.close() };
};
