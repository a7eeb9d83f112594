/** One connection to a provider: what it reads goes to the request that it carries. */
import type { ClientSocket, ClientSocketUser, OpenSocket } from "../socket.ts";

export interface ConnectionOptions {
  /** `host:port`. */
  readonly authority: string;
  readonly tls: boolean;
  readonly connectTimeoutMs: number;
  readonly openSocket: OpenSocket;
  readonly onOpen: (connection: Connection) => void;
  /** No connection could be made: nothing was sent. */
  readonly onConnectFailed: (error: Error) => void;
  readonly onClose: (connection: Connection) => void;
}

/** What a connection carries: one request and its response. */
export interface CarriedCall {
  /** The bytes are its own. */
  onBytes(bytes: Uint8Array): void;
  /** All that was written has been taken. */
  onDrain(): void;
  /** `isClean`: the peer ended it, and did not break it off. */
  onClose(isClean: boolean): void;
}

export class Connection implements ClientSocketUser {
  /** What a request's `host` says: no port where it is the scheme's own (RFC 9110 §4.2.3). */
  readonly host: string;
  /** Undefined while it is idle. */
  carried: CarriedCall | undefined;
  readonly #options: ConnectionOptions;
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  readonly #giveUp: () => void;
  #socket: ClientSocket | undefined;
  #closed = false;
  #isPaused = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.host = options.authority.replace(options.tls ? /:443$/ : /:80$/, "");
    this.#connectTimer = setTimeout(
      () => this.onConnectError(new Error("no connection in time")),
      options.connectTimeoutMs,
    );
    this.#giveUp = options.openSocket(options.authority, options.tls, this);
  }

  /** As `ClientSocket.write`. */
  write(text: string, parts: readonly Uint8Array[]): boolean {
    return !this.#closed && this.#socket!.write(text, parts);
  }

  pause(): void {
    if (this.#isPaused || this.#closed) return;
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#closed) return;
    this.#isPaused = false;
    this.#socket?.resume();
  }

  setIdle(isIdle: boolean): void {
    if (isIdle) this.resume();
    this.#socket?.setIdle(isIdle);
  }

  /** Ends it now, whatever it carries, even before it is open. */
  close(): void {
    if (this.#socket) this.onClose(false);
    else this.onConnectError(new Error("given up"));
  }

  onOpen(socket: ClientSocket): void {
    clearTimeout(this.#connectTimer);
    this.#socket = socket;
    this.#options.onOpen(this);
  }

  onConnectError(error: Error): void {
    clearTimeout(this.#connectTimer);
    if (this.#closed) return;
    this.#closed = true;
    this.#giveUp();
    this.#options.onConnectFailed(error);
  }

  onData(bytes: Uint8Array): void {
    // An idle peer has nothing to say.
    if (this.carried) this.carried.onBytes(bytes);
    else this.close();
  }

  onDrain(): void {
    this.carried?.onDrain();
  }

  onClose(isClean: boolean): void {
    if (!this.#socket) return this.onConnectError(new Error("closed before it was open"));
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.carried?.onClose(isClean);
    this.#options.onClose(this);
  }
}
