/** What the client asks of a runtime: connected sockets, and no more. */

/** A connected socket. */
export interface ClientSocket {
  /**
   * `text` is Latin-1, and goes before the bytes. False: some of it waits, and nothing more may be written before `onDrain`;
   * until then the bytes belong to the socket.
   */
  write(text: string, parts: readonly Uint8Array[]): boolean;
  pause(): void;
  resume(): void;
  /** One that carries nothing does not keep the process alive. */
  setIdle(isIdle: boolean): void;
  /** Closes at once. */
  close(): void;
}

/** Who hears of a socket. */
export interface SocketUser {
  /** With TLS, not before the peer has proved who it is. */
  onOpen(socket: ClientSocket): void;
  /** Nothing was sent. */
  onConnectError(error: Error): void;
  /** The bytes are the user's own. */
  onData(bytes: Uint8Array): void;
  /** All that was written has been taken. */
  onDrain(): void;
  /** `isClean`: the peer said that it has no more to say. Nothing counts but the first. */
  onClose(isClean: boolean): void;
}

/** `authority` is `host:port`, the host in brackets if it is an IPv6 address. What it gives ends the attempt, before `onOpen`. */
export type OpenSocket = (authority: string, tls: boolean, user: SocketUser) => () => void;

export function addressOf(authority: string): { readonly host: string; readonly port: number } {
  const colon = authority.lastIndexOf(":");
  const host = authority.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(authority.slice(colon + 1)) };
}
