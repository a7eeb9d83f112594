/** One connection to a provider: what it is given to write waits in it, what it reads goes to the request that it carries. */
import { type BunSocket, openSocket, type SocketUser } from "./sockets.ts";
import { type WriteBuffer, writeEach } from "./write-buffer.ts";

export interface ConnectionOptions {
  /** `host:port`. */
  readonly authority: string;
  readonly tls: boolean;
  readonly connectTimeoutMs: number;
  readonly writeBuffer: WriteBuffer;
  readonly onOpen: (connection: Connection) => void;
  /** No connection could be made: nothing was sent. */
  readonly onConnectFailed: (error: Error) => void;
  readonly onClose: (connection: Connection) => void;
}

/** What a connection carries: one request and its response. */
export interface Carried {
  /** The bytes are its own. */
  onBytes(bytes: Uint8Array): void;
  /** All that was written has been taken. */
  onDrain(): void;
  /** `isClean`: the peer ended it, and did not break it off. */
  onClose(isClean: boolean): void;
}

export class Connection implements SocketUser {
  /** Undefined while it is idle. */
  carried: Carried | undefined;
  readonly #options: ConnectionOptions;
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  #socket: BunSocket | undefined;
  /** Before its peer has proved who it is. */
  #shaking: BunSocket | undefined;
  #closed = false;
  #isPaused = false;
  /** What the system has not taken yet. */
  #unwritten: readonly Uint8Array[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#connectTimer = setTimeout(
      () => this.onConnectError(new Error("no connection in time")),
      options.connectTimeoutMs,
    );
    openSocket(options.authority, options.tls, this);
  }

  /**
   * `text` is Latin-1, and goes before the bytes. False: some of it waits, and nothing more may be written before `onDrain`;
   * until then the bytes belong to the connection.
   */
  write(text: string, parts: readonly Uint8Array[]): boolean {
    if (!this.#socket || this.#closed) return false;
    this.#unwritten = this.#options.writeBuffer.write(this.#socket, text, parts);
    return this.#unwritten.length === 0;
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

  /** Ends it now, whatever it carries. */
  close(): void {
    this.#socket?.terminate();
    this.onClose(false);
  }

  onHandshake(socket: BunSocket): void {
    if (this.#closed) socket.terminate();
    else this.#shaking = socket;
  }

  onOpen(socket: BunSocket): void {
    clearTimeout(this.#connectTimer);
    if (this.#closed) return socket.terminate();
    this.#shaking = undefined;
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#options.onOpen(this);
  }

  onConnectError(error: Error): void {
    clearTimeout(this.#connectTimer);
    if (this.#closed) return;
    this.#closed = true;
    this.#shaking?.terminate();
    this.#options.onConnectFailed(error);
  }

  onData(bytes: Uint8Array): void {
    // An idle peer has nothing to say.
    if (this.carried) this.carried.onBytes(bytes);
    else this.close();
  }

  onDrain(): void {
    if (this.#unwritten.length === 0 || !this.#socket || this.#closed) return;
    this.#unwritten = writeEach(this.#socket, this.#unwritten);
    if (this.#unwritten.length === 0) this.carried?.onDrain();
  }

  onClose(isClean: boolean): void {
    if (!this.#socket) return this.onConnectError(new Error("closed before it was open"));
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.terminate();
    this.carried?.onClose(isClean);
    this.#options.onClose(this);
  }
}
