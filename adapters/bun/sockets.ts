/** Bun's TCP sockets (https://bun.com/docs/api/tcp), as HTTP uses them: opened here, or accepted. */
import {
  addressOf,
  type ClientSocket,
  type ClientSocketUser,
  type ListenForSockets,
  type OpenSocket,
  type ServerSocket,
  type SocketUser,
} from "../server/http/socket.ts";
import { WriteBuffer, writeEach } from "./write-buffer.ts";

/** What is used of a connected socket. */
export interface BunSocket {
  data: BunPeer;
  /** Gives how many bytes were taken; the rest waits for `drain`. Negative once it is closed. */
  write(bytes: Uint8Array, from?: number, length?: number): number;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): void;
  ref(): void;
  unref(): void;
  /** Ends its own side, and goes on reading. */
  shutdown(): void;
  /** Closes at once. */
  close(): void;
  /** Closes at once, with a reset. */
  terminate(): void;
  /** TLS: the certificate is good, and is for this host. */
  readonly authorized: boolean;
}

declare const Bun: {
  connect(options: {
    readonly hostname: string;
    readonly port: number;
    readonly tls?: { readonly serverName: string; readonly rejectUnauthorized: true };
    readonly data: BunPeer;
    readonly socket: object;
  }): Promise<unknown>;
  listen(options: { readonly hostname: string; readonly port: number; readonly socket: object }): {
    readonly port: number;
    stop(closeActiveConnections?: boolean): void;
  };
};

/** Shared by all sockets: when a write returns, the kernel has copied what it took. */
const writeBuffer = new WriteBuffer();

abstract class BunPeer {
  abstract readonly user: SocketUser;
  protected socket: BunSocket | undefined;
  protected isClosed = false;
  /** What the kernel has not taken yet. */
  #unwritten: readonly Uint8Array[] = [];

  onDrain(): void {
    if (this.#unwritten.length === 0 || this.isClosed) return;
    this.#unwritten = writeEach(this.socket!, this.#unwritten);
    if (this.#unwritten.length === 0) this.user.onDrain();
  }

  write(text: string, parts: readonly Uint8Array[]): boolean {
    this.#unwritten = writeBuffer.write(this.socket!, text, parts);
    return this.#unwritten.length === 0;
  }

  /** The peer says that it has no more to say. */
  onEnd(): void {
    this.user.onClose(true);
  }

  /** The peer is gone. */
  abstract onWriteFailed(): void;

  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }
}

const HANDLERS = {
  data: (socket: BunSocket, bytes: Uint8Array) => socket.data.user.onData(bytes),
  drain: (socket: BunSocket) => socket.data.onDrain(),
  end: (socket: BunSocket) => socket.data.onEnd(),
  close: (socket: BunSocket) => socket.data.user.onClose(false),
  error: (socket: BunSocket) => socket.data.user.onClose(false),
};

class ClientPeer extends BunPeer implements ClientSocket {
  readonly user: ClientSocketUser;
  #hasWriteFailed = false;

  constructor(user: ClientSocketUser) {
    super();
    this.user = user;
  }

  /** TCP is there; TLS is not yet. */
  onHandshake(socket: BunSocket): void {
    this.socket = socket;
    if (this.isClosed) socket.terminate();
  }

  onOpen(socket: BunSocket): void {
    this.onHandshake(socket);
    if (this.isClosed) return;
    socket.setNoDelay(true);
    this.user.onOpen(this);
  }

  /** It may have answered before it left: reading comes to the end by itself. */
  onWriteFailed(): void {
    this.#hasWriteFailed = true;
  }

  /** The failed write may have taken a reset's error, and left a mere end to the reader. */
  override onEnd(): void {
    this.user.onClose(!this.#hasWriteFailed);
  }

  setIdle(isIdle: boolean): void {
    if (isIdle) this.socket?.unref();
    else this.socket?.ref();
  }

  close(): void {
    this.isClosed = true;
    this.socket?.terminate();
  }
}

interface ConnectingSocket extends BunSocket {
  readonly data: ClientPeer;
}

const CLIENT_HANDLERS = {
  ...HANDLERS,
  open: (socket: ConnectingSocket) => socket.data.onOpen(socket),
  connectError: (socket: ConnectingSocket, error: Error) => socket.data.user.onConnectError(error),
};

const TLS_HANDLERS = {
  ...CLIENT_HANDLERS,
  // Open, but nothing may be sent before the peer has proved who it is.
  open: (socket: ConnectingSocket) => socket.data.onHandshake(socket),
  handshake(socket: ConnectingSocket, success: boolean, problem: Error | null) {
    if (success && problem === null && socket.authorized) return socket.data.onOpen(socket);
    socket.data.user.onConnectError(problem ?? new Error("the TLS handshake failed"));
  },
};

export const openSocket: OpenSocket = (authority, tls, user) => {
  const { host, port } = addressOf(authority);
  const socket = new ClientPeer(user);
  const address = { hostname: host, port, data: socket };
  const opening = tls
    ? Bun.connect({
        ...address,
        tls: { serverName: host, rejectUnauthorized: true },
        socket: TLS_HANDLERS,
      })
    : Bun.connect({ ...address, socket: CLIENT_HANDLERS });
  opening.catch((error: Error) => user.onConnectError(error));
  return () => socket.close();
};

class ServerPeer extends BunPeer implements ServerSocket {
  readonly user: SocketUser;

  constructor(socket: BunSocket, accept: (socket: ServerSocket) => SocketUser) {
    super();
    this.socket = socket;
    socket.setNoDelay(true);
    this.user = accept(this);
  }

  /** No other event tells so while it is paused. Whoever wrote hears of it once that is through. */
  onWriteFailed(): void {
    queueMicrotask(() => this.user.onClose(false));
  }

  shutdown(): void {
    this.socket!.shutdown();
  }

  close(): void {
    this.isClosed = true;
    this.socket!.close();
  }

  reset(): void {
    this.isClosed = true;
    this.socket!.terminate();
  }
}

export const listenForSockets: ListenForSockets = async ({ host, port }, accept) => {
  const listener = Bun.listen({
    hostname: host,
    port,
    socket: {
      ...HANDLERS,
      open(socket: BunSocket) {
        socket.data = new ServerPeer(socket, accept);
      },
    },
  });
  return { port: listener.port, stop: () => listener.stop() };
};
