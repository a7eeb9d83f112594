/** What is used of Bun's TCP sockets (https://bun.com/docs/api/tcp), and opening one that may be trusted. */

/** A connected socket. */
export interface BunSocket {
  data: SocketUser;
  /** Gives how many bytes were taken; the rest waits for `drain`. Negative once it is closed. */
  write(bytes: Uint8Array, from?: number, length?: number): number;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): void;
  /** Closes at once. */
  terminate(): void;
  /** TLS: the certificate is good, and is for this host. */
  readonly authorized: boolean;
}

/** Who hears of a socket. */
export interface SocketUser {
  /** TCP is there; TLS is not yet. */
  onHandshake(socket: BunSocket): void;
  onOpen(socket: BunSocket): void;
  /** The bytes are the user's own. */
  onData(bytes: Uint8Array): void;
  onDrain(): void;
  /** `isClean`: the peer said that it has no more to say. Nothing counts but the first. */
  onClose(isClean: boolean): void;
  onConnectError(error: Error): void;
}

declare const Bun: {
  connect(options: {
    readonly hostname: string;
    readonly port: number;
    readonly tls?: { readonly serverName: string; readonly rejectUnauthorized: true };
    readonly data: SocketUser;
    readonly socket: typeof HANDLERS | typeof TLS_HANDLERS;
  }): Promise<unknown>;
};

const HANDLERS = {
  open: (socket: BunSocket) => socket.data.onOpen(socket),
  data: (socket: BunSocket, bytes: Uint8Array) => socket.data.onData(bytes),
  drain: (socket: BunSocket) => socket.data.onDrain(),
  end: (socket: BunSocket) => socket.data.onClose(true),
  close: (socket: BunSocket) => socket.data.onClose(false),
  error: (socket: BunSocket) => socket.data.onClose(false),
  connectError: (socket: BunSocket, error: Error) => socket.data.onConnectError(error),
};

const TLS_HANDLERS = {
  ...HANDLERS,
  // Open, but nothing may be sent before the peer has proved who it is.
  open: (socket: BunSocket) => socket.data.onHandshake(socket),
  handshake(socket: BunSocket, success: boolean, problem: Error | null) {
    if (success && problem === null && socket.authorized) return socket.data.onOpen(socket);
    socket.data.onConnectError(problem ?? new Error("the TLS handshake failed"));
    socket.terminate();
  },
};

/** `authority` is `host:port`, the host in brackets if it is an IPv6 address. */
export function openSocket(authority: string, tls: boolean, data: SocketUser): void {
  const colon = authority.lastIndexOf(":");
  const hostname = authority.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const address = { hostname, port: Number(authority.slice(colon + 1)), data };
  const opening = tls
    ? Bun.connect({
        ...address,
        tls: { serverName: hostname, rejectUnauthorized: true },
        socket: TLS_HANDLERS,
      })
    : Bun.connect({ ...address, socket: HANDLERS });
  opening.catch((error: Error) => data.onConnectError(error));
}
