/** What HTTP asks of a runtime: sockets, and no more. */
import type { ListenAddress } from "../../../src/config/address.ts";

interface PeerSocket {
  /**
   * `text` is Latin-1, and goes before the bytes. False: some of it waits, and nothing more may be written before `onDrain`;
   * until then the bytes belong to the socket. With a single part, the socket may also overwrite the bytes before it in the
   * same ArrayBuffer: they have been read.
   */
  write(text: string, parts: readonly Uint8Array[]): boolean;
  pause(): void;
  resume(): void;
  /** Closes at once: what waits is dropped. */
  close(): void;
}

/** One that was opened from here. */
export interface ClientSocket extends PeerSocket {
  /** One that carries nothing does not keep the process alive. */
  setIdle(isIdle: boolean): void;
}

/** One that was accepted. */
export interface ServerSocket extends PeerSocket {
  /** Tells the peer that nothing more will come, and goes on reading. Nothing may be waiting. */
  shutdown(): void;
  /** Closes at once, so that the peer takes nothing for whole. */
  reset(): void;
}

/** Gets the events of a socket. */
export interface SocketUser {
  /** The bytes belong to the user; on an accepted socket so does the whole ArrayBuffer behind them. */
  onData(bytes: Uint8Array): void;
  /** All that was written has been taken. */
  onDrain(): void;
  /** `isClean`: the peer ended its side (FIN). May be called again; only the first call counts. */
  onClose(isClean: boolean): void;
}

export interface ClientSocketUser extends SocketUser {
  /** With TLS, not before the peer has proved who it is. */
  onOpen(socket: ClientSocket): void;
  /** Nothing was sent. */
  onConnectError(error: Error): void;
}

/** `authority` is `host:port`, the host in brackets if it is an IPv6 address. The returned function cancels the attempt, before `onOpen`. */
export type OpenSocket = (authority: string, tls: boolean, user: ClientSocketUser) => () => void;

/** Sockets that are accepted. */
interface SocketListener {
  readonly port: number;
  /** No new ones. */
  stop(): void;
}

/** Rejects with the system's own error, as EADDRINUSE. */
export type ListenForSockets = (
  address: ListenAddress,
  accept: (socket: ServerSocket) => SocketUser,
) => Promise<SocketListener>;

export function addressOf(authority: string): { readonly host: string; readonly port: number } {
  const colon = authority.lastIndexOf(":");
  const host = authority.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(authority.slice(colon + 1)) };
}
