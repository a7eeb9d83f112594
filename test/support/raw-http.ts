/** HTTP/1.1 over a bare socket: byte-exact requests, and answers with everything that a polite client would hide. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** The head of an answer. */
export interface RawHead {
  readonly status: number;
  readonly statusText: string;
  /** In wire order, names as spelled. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** All values of a header, its name in any case. */
  header(name: string): string[];
}

/** A whole answer. */
export interface RawResponse extends RawHead {
  /** After transfer decoding. */
  readonly body: Buffer;
  /** The framing's own end was seen: all of `content-length`, or the last chunk; for neither, the connection's end. */
  readonly clean: boolean;
  text(): string;
  /** The body as JSON, for tests to match against. */
  json(): unknown;
}

/** One connection. Answers are read in order; `send` may be called before, between and after. */
export interface RawConnection {
  readonly socket: Socket;
  send(bytes: string | Uint8Array): void;
  /** Reads the next head, interim (1xx) ones left out. */
  readHead(): Promise<RawHead>;
  /** The next piece of the current body, undefined at its end. Nothing is read from the socket in between. */
  readPiece(): Promise<Buffer | undefined>;
  /** The rest of the current body; `clean` as in `RawResponse`. */
  readBody(): Promise<{ body: Buffer; clean: boolean }>;
  /** Head and body. `forHead` says that the answer has no body whatever its head declares (HEAD). */
  readResponse(forHead?: boolean): Promise<RawResponse>;
  /** Everything that is still to come until the peer closes, framing and all. */
  readRest(): Promise<string>;
  destroy(): void;
}

/** A request for `request`. */
export interface RawRequest {
  readonly method?: string;
  /** The request target verbatim: origin form, absolute form or `*`. */
  readonly target: string;
  /** Sent in this order. `host` is added in front when it is missing. */
  readonly headers?: readonly (readonly [string, string])[];
  /** A string or bytes get a `content-length`; a list is sent chunked, one chunk each. */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[];
}

/** Opens a connection to the host and port of a URL. */
export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  return readerOf(socket);
}

/** Sends one request on a connection of its own and reads the whole answer. */
export async function rawRequest(url: string, request: RawRequest): Promise<RawResponse> {
  const connection = await openRaw(url);
  try {
    connection.send(formatRequest(url, request));
    return await connection.readResponse(request.method === "HEAD");
  } finally {
    connection.destroy();
  }
}

/** Sends bytes as they are and reads one answer. */
export async function rawBytes(url: string, bytes: string | Uint8Array): Promise<RawResponse> {
  const connection = await openRaw(url);
  try {
    connection.send(bytes);
    return await connection.readResponse();
  } finally {
    connection.destroy();
  }
}

/** The bytes of a request, latin1 head and all. */
export function formatRequest(
  url: string,
  { method = "GET", target, headers = [], body }: RawRequest,
): Buffer {
  const hasHost = headers.some(([name]) => name.toLowerCase() === "host");
  const all: (readonly [string, string])[] = hasHost
    ? [...headers]
    : [["host", new URL(url).host], ...headers];
  const payload: Buffer[] = [];
  if (typeof body === "string" || body instanceof Uint8Array) {
    payload.push(Buffer.from(body));
    all.push(["content-length", String(payload[0]!.length)]);
  } else if (body !== undefined) {
    all.push(["transfer-encoding", "chunked"]);
    payload.push(...body.map(formatChunk), Buffer.from("0\r\n\r\n"));
  }
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, "latin1"), ...payload]);
}

/** One HTTP chunk. */
export function formatChunk(piece: string | Uint8Array): Buffer {
  const bytes = Buffer.from(piece);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

type Framing =
  | { kind: "none" }
  | { kind: "length"; left: number }
  | { kind: "chunked"; left: number; done: boolean }
  | { kind: "close" };

function readerOf(socket: Socket): RawConnection {
  const iterator = socket.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  let buffered: Buffer = Buffer.alloc(0);
  let framing: Framing = { kind: "none" };

  /** False at the connection's end, however it came. */
  const fill = async (): Promise<boolean> => {
    const next = await iterator.next().catch(() => ({ done: true as const, value: undefined }));
    if (next.done === true) return false;
    buffered = buffered.length === 0 ? next.value : Buffer.concat([buffered, next.value]);
    return true;
  };
  const readLine = async (): Promise<string | undefined> => {
    let at = buffered.indexOf("\r\n");
    while (at < 0) {
      if (!(await fill())) return undefined;
      at = buffered.indexOf("\r\n");
    }
    const line = buffered.toString("latin1", 0, at);
    buffered = buffered.subarray(at + 2);
    return line;
  };
  const takeUpTo = async (limit: number): Promise<Buffer | undefined> => {
    if (buffered.length === 0 && !(await fill())) return undefined;
    const piece = buffered.subarray(0, limit);
    buffered = buffered.subarray(piece.length);
    return piece;
  };
  const readHead = async (): Promise<RawHead> => {
    const start = await readLine();
    if (start === undefined) throw new Error("the connection ended before a response head");
    const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(start);
    if (match === null) throw new Error(`not a status line: ${JSON.stringify(start)}`);
    const headers: [string, string][] = [];
    for (let line = await readLine(); line !== ""; line = await readLine()) {
      if (line === undefined) throw new Error("the connection ended within a response head");
      const colon = line.indexOf(":");
      headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
    const status = Number(match[1]);
    if (status < 200) return readHead();
    const header = (name: string) =>
      headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
    framing = framingOf(status, header);
    return { status, statusText: match[2] ?? "", headers, header };
  };
  const readPiece = async (): Promise<Buffer | undefined> => {
    if (framing.kind === "none") return undefined;
    if (framing.kind === "close") return takeUpTo(Number.POSITIVE_INFINITY);
    if (framing.kind === "chunked" && framing.left === 0 && !(await nextChunk())) return undefined;
    if (framing.left === 0) return undefined;
    const piece = await takeUpTo(framing.left);
    if (piece === undefined) return undefined;
    framing.left -= piece.length;
    if (framing.kind === "chunked" && framing.left === 0) await readLine();
    return piece;
  };
  /** Reads a chunk's size line; false at the last chunk, whose trailers it reads too, and at a cut. */
  const nextChunk = async (): Promise<boolean> => {
    if (framing.kind !== "chunked" || framing.done) return false;
    const size = Number.parseInt((await readLine()) ?? "", 16);
    if (Number.isNaN(size)) return false;
    framing.left = size;
    if (size > 0) return true;
    for (let line = await readLine(); line !== ""; line = await readLine()) {
      if (line === undefined) return false;
    }
    framing.done = true;
    return false;
  };
  const readBody = async () => {
    const pieces: Buffer[] = [];
    for (let piece = await readPiece(); piece !== undefined; piece = await readPiece()) pieces.push(piece);
    const clean =
      framing.kind === "chunked" ? framing.done : framing.kind === "length" ? framing.left === 0 : true;
    return { body: Buffer.concat(pieces), clean };
  };
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    readHead,
    readPiece,
    readBody,
    async readResponse(forHead = false) {
      const head = await readHead();
      if (forHead) framing = { kind: "none" };
      const { body, clean } = await readBody();
      const text = () => body.toString("utf8");
      return { ...head, body, clean, text, json: (): unknown => JSON.parse(text()) };
    },
    async readRest() {
      while (await fill());
      return buffered.toString("latin1");
    },
    destroy: () => void socket.destroy(),
  };
}

function framingOf(status: number, header: (name: string) => string[]): Framing {
  if (status === 204 || status === 304) return { kind: "none" };
  if (header("transfer-encoding").some((value) => /\bchunked\b/i.test(value))) {
    return { kind: "chunked", left: 0, done: false };
  }
  const length = header("content-length")[0];
  return length === undefined ? { kind: "close" } : { kind: "length", left: Number(length) };
}
