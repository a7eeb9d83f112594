/** Bun's TCP sockets (https://bun.com/docs/api/tcp), as the HTTP client uses them. */
import { addressOf, type ClientSocket, type OpenSocket, type SocketUser } from "../server/http/socket.ts";
import { WriteBuffer, writeEach } from "./write-buffer.ts";

/** What is used of a connected socket. */
export interface BunSocket {
  data: PeerSocket;
  /** Gives how many bytes were taken; the rest waits for `drain`. Negative once it is closed. */
  write(bytes: Uint8Array, from?: number, length?: number): number;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): void;
  ref(): void;
  unref(): void;
  /** Closes at once. */
  terminate(): void;
  /** TLS: the certificate is good, and is for this host. */
  readonly authorized: boolean;
}

declare const Bun: {
  connect(options: {
    readonly hostname: string;
    readonly port: number;
    readonly tls?: { readonly serverName: string; readonly rejectUnauthorized: true };
    readonly data: PeerSocket;
    readonly socket: typeof HANDLERS | typeof TLS_HANDLERS;
  }): Promise<unknown>;
};

const HANDLERS = {
  open: (socket: BunSocket) => socket.data.onOpen(socket),
  data: (socket: BunSocket, bytes: Uint8Array) => socket.data.user.onData(bytes),
  drain: (socket: BunSocket) => socket.data.onDrain(),
  end: (socket: BunSocket) => socket.data.user.onClose(true),
  close: (socket: BunSocket) => socket.data.user.onClose(false),
  error: (socket: BunSocket) => socket.data.user.onClose(false),
  connectError: (socket: BunSocket, error: Error) => socket.data.user.onConnectError(error),
};

const TLS_HANDLERS = {
  ...HANDLERS,
  // Open, but nothing may be sent before the peer has proved who it is.
  open: (socket: BunSocket) => socket.data.onHandshake(socket),
  handshake(socket: BunSocket, success: boolean, problem: Error | null) {
    if (success && problem === null && socket.authorized) return socket.data.onOpen(socket);
    socket.data.user.onConnectError(problem ?? new Error("the TLS handshake failed"));
  },
};

/** One for all sockets: a system has its copy of what it takes when a write returns. */
const writeBuffer = new WriteBuffer();

class PeerSocket implements ClientSocket {
  readonly user: SocketUser;
  #socket: BunSocket | undefined;
  #isClosed = false;
  /** What the system has not taken yet. */
  #unwritten: readonly Uint8Array[] = [];

  constructor(user: SocketUser) {
    this.user = user;
  }

  /** TCP is there; TLS is not yet. */
  onHandshake(socket: BunSocket): void {
    this.#socket = socket;
    if (this.#isClosed) socket.terminate();
  }

  onOpen(socket: BunSocket): void {
    this.onHandshake(socket);
    if (this.#isClosed) return;
    socket.setNoDelay(true);
    this.user.onOpen(this);
  }

  onDrain(): void {
    if (this.#unwritten.length === 0 || this.#isClosed) return;
    this.#unwritten = writeEach(this.#socket!, this.#unwritten);
    if (this.#unwritten.length === 0) this.user.onDrain();
  }

  write(text: string, parts: readonly Uint8Array[]): boolean {
    this.#unwritten = writeBuffer.write(this.#socket!, text, parts);
    return this.#unwritten.length === 0;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  setIdle(isIdle: boolean): void {
    if (isIdle) this.#socket?.unref();
    else this.#socket?.ref();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.terminate();
  }
}

export const openSocket: OpenSocket = (authority, tls, user) => {
  const { host, port } = addressOf(authority);
  const socket = new PeerSocket(user);
  const address = { hostname: host, port, data: socket };
  const opening = tls
    ? Bun.connect({
        ...address,
        tls: { serverName: host, rejectUnauthorized: true },
        socket: TLS_HANDLERS,
      })
    : Bun.connect({ ...address, socket: HANDLERS });
  opening.catch((error: Error) => user.onConnectError(error));
  return () => socket.close();
};
