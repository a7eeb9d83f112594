/** A provider for tests: records what reached it, byte for byte, and answers by the script that the test sets. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { json } from "./answers.ts";
import { createMailbox } from "./mailbox.ts";

/** Bytes of a request body that are kept for inspection; beyond that only the count and the hash go on. */
const KEPT_BODY_BYTES = 4 * 1024 * 1024;

/** A request as it reached the stand-in. */
export interface SeenRequest {
  readonly method: string;
  /** The request target verbatim: path and query. */
  readonly target: string;
  /** Name and value pairs in wire order, names as spelled. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** All values of a header, its name in any case. */
  header(name: string): string[];
  /** Resolves when the body ended, well (`whole`) or not. Unread bodies (`readBody: false`) never end. */
  readonly body: Promise<SeenBody>;
  /** Bytes of the body read so far. */
  bytesRead(): number;
  /** Resolves when the connection was closed before the answer was finished. */
  readonly clientGone: Promise<void>;
}

/** What became of a request's body. */
export interface SeenBody {
  readonly whole: boolean;
  readonly byteLength: number;
  readonly sha256: string;
  /** The first 4 MiB. */
  readonly bytes: Buffer;
  /** The kept bytes as UTF-8. */
  text(): string;
}

/** A request and the means to answer it. */
export interface Exchange {
  readonly seen: SeenRequest;
  readonly response: ServerResponse;
  /** The raw connection, for answers that are no valid HTTP. */
  readonly socket: Socket;
}

/** Answers one request. `readBody: false` on it leaves the upload unread, to push back on the client. */
export interface Answer {
  (exchange: Exchange): void | Promise<void>;
  readonly readBody?: boolean;
}

/** A running stand-in. */
export interface StandIn {
  /** `127.0.0.1:port`. */
  readonly authority: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly SeenRequest[];
  /** The first request, here or to come, that matches and was not taken before. */
  take(matches?: (seen: SeenRequest) => boolean): Promise<SeenRequest>;
  /** What answers when nothing else is set for a request. */
  setDefault(answer: Answer): void;
  /** Answers the next request to that path (without query), once; several are a queue. */
  enqueue(path: string, ...answers: Answer[]): void;
  /** Forgets all requests, queued answers and the default: a clean table for the next test. */
  reset(): void;
  /** Connections open at this moment. */
  openSockets(): number;
  /** Faults of answers themselves; a test suite ends with none. */
  readonly faults: readonly unknown[];
  close(): Promise<void>;
}

/** Listens on an ephemeral loopback port. */
export async function startStandIn(initial: Answer = json(200, {})): Promise<StandIn> {
  const requests: SeenRequest[] = [];
  const mailbox = createMailbox<SeenRequest>();
  const faults: unknown[] = [];
  const queues = new Map<string, Answer[]>();
  const sockets = new Set<Socket>();
  let fallback = initial;

  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const answer = queues.get(path)?.shift() ?? fallback;
    response.sendDate = false;
    const seen = watchRequest(request, response, answer.readBody !== false);
    requests.push(seen);
    mailbox.put(seen);
    Promise.resolve()
      .then(() => answer({ seen, response, socket: request.socket }))
      .catch((fault: unknown) => {
        // A client that left while the answer was being written is the test's own doing.
        if (!request.socket.destroyed) faults.push(fault);
        request.socket.destroy();
      });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server, so never a pipe's string

  return {
    authority: `127.0.0.1:${port}`,
    requests,
    faults,
    take: mailbox.take,
    setDefault: (answer) => {
      fallback = answer;
    },
    enqueue: (path, ...answers) => queues.set(path, [...(queues.get(path) ?? []), ...answers]),
    reset() {
      requests.length = 0;
      mailbox.clear();
      queues.clear();
      fallback = initial;
    },
    openSockets: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function watchRequest(request: IncomingMessage, response: ServerResponse, readBody: boolean): SeenRequest {
  const headers = pairs(request.rawHeaders);
  let byteLength = 0;
  const body = new Promise<SeenBody>((resolve) => {
    if (!readBody) return;
    const hash = createHash("sha256");
    const kept: Buffer[] = [];
    request.on("data", (chunk: Buffer) => {
      if (byteLength < KEPT_BODY_BYTES) kept.push(chunk);
      byteLength += chunk.length;
      hash.update(chunk);
    });
    request.on("error", () => undefined);
    request.on("close", () => {
      const bytes = Buffer.concat(kept).subarray(0, KEPT_BODY_BYTES);
      const sha256 = hash.digest("hex");
      resolve({ whole: request.complete, byteLength, sha256, bytes, text: () => bytes.toString("utf8") });
    });
  });
  return {
    method: request.method ?? "",
    target: request.url ?? "",
    headers,
    header: (name) =>
      headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value),
    body,
    bytesRead: () => byteLength,
    clientGone: new Promise((resolve) => {
      response.on("close", () => {
        if (!response.writableFinished) resolve();
      });
    }),
  };
}

/** Node's flat `rawHeaders` as pairs. */
export function pairs(flat: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) result.push([flat[at]!, flat[at + 1]!]);
  return result;
}
