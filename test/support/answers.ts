/** The scripts of the stand-in: good answers, cut ones, and those a test lets out piece by piece. */
import { createEmbeddedProvider } from "../../src/embedded/provider.ts";
import { readFixture } from "./fixtures.ts";
import { createMailbox } from "./mailbox.ts";
import { roomIn } from "./room-in.ts";
import type { Answer, Exchange } from "./stand-in.ts";

/** Response headers; a list keeps order and duplicates. */
export type AnswerHeaders = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** Sends the bytes with a declared length. The body is read first, as providers do. */
export function bytes(status: number, headers: AnswerHeaders, body: Uint8Array | string): Answer {
  return async ({ seen, response }) => {
    await seen.body;
    const payload = Buffer.from(body);
    response.writeHead(status, flat(headers, ["content-length", String(payload.length)])).end(payload);
  };
}

/** A JSON document with a declared length. */
export function json(status: number, value: unknown, headers: AnswerHeaders = {}): Answer {
  return bytes(
    status,
    [["content-type", "application/json"], ...headerPairs(headers)],
    JSON.stringify(value),
  );
}

/** A fixture: its status, headers, framing and, where it says so, its abrupt end. */
export function fixture(name: string): Answer {
  const { response: canned, body } = readFixture(name);
  if (canned.framing === "content-length") return bytes(canned.status, canned.headers, body);
  return async (exchange) => {
    await exchange.seen.body;
    exchange.response.writeHead(canned.status, flat(canned.headers)).write(body);
    if (canned.abort === true) endAbruptly(exchange, "fin");
    else exchange.response.end();
  };
}

/** The embedded provider of `src/embedded`, behind real HTTP. */
export function embedded(apiKey?: string): Answer {
  const provider = createEmbeddedProvider(apiKey === undefined ? {} : { apiKey });
  return async ({ seen, response }) => {
    const hasBody = seen.method !== "GET" && seen.method !== "HEAD";
    const request = new Request(`http://stand-in${seen.target}`, {
      method: seen.method,
      headers: seen.headers.map(([name, value]): [string, string] => [name, value]),
      body: hasBody ? new Uint8Array((await seen.body).bytes) : null,
    });
    const answer = await provider(request);
    response.writeHead(answer.status, flat([...answer.headers]));
    for await (const chunk of answer.body ?? []) {
      if (!response.write(chunk)) await roomIn(response);
    }
    response.end();
  };
}

/** The request back as JSON: `{ method, target, headers, body, sha256, byteLength }`. */
export function echo(): Answer {
  return async (exchange) => {
    const { method, target, headers, body } = exchange.seen;
    const { sha256, byteLength, text } = await body;
    const value = { method, target, headers, sha256, byteLength, body: byteLength < 65_536 ? text() : null };
    await json(200, value)(exchange);
  };
}

/** A redirect, which a gateway relays and does not follow. */
export function redirect(status: number, location: string): Answer {
  return bytes(status, { location, "content-type": "text/plain" }, "moved");
}

/** Reads the request and never answers. */
export function hangBeforeHead(): Answer {
  return () => undefined;
}

/** Sends the head and the given bytes, then nothing more, for ever. */
export function hangMidBody(headers: AnswerHeaders, start: string): Answer {
  return ({ response }) => {
    response.writeHead(200, flat(headers)).write(start);
  };
}

/** Closes the connection before a head was sent. */
export function closeBeforeHead(): Answer {
  return async ({ seen, socket }) => {
    await seen.body;
    socket.destroy();
  };
}

/** Sends the head and the given bytes, then ends the connection without the last chunk: by FIN or by RST. */
export function cutMidBody(headers: AnswerHeaders, start: string | Uint8Array, by: "fin" | "rst"): Answer {
  return async (exchange) => {
    await exchange.seen.body;
    exchange.response.writeHead(200, flat(headers)).write(start);
    endAbruptly(exchange, by);
  };
}

/** Declares a length that the body does not reach, and closes. */
export function shorterThanDeclared(headers: AnswerHeaders, body: string, declared: number): Answer {
  return cutMidBody([...headerPairs(headers), ["content-length", String(declared)]], body, "fin");
}

/** An upload that is never read; the head of the answer does not come either. */
export function neverRead(): Answer {
  return Object.assign(() => undefined, { readBody: false });
}

/** A body that comes in pieces, each let out by the test. */
export interface GatedBody {
  readonly answer: Answer;
  /** Writes one piece; resolves when it was handed to the socket. */
  release(piece: string | Uint8Array): Promise<void>;
  /** Ends the body well. */
  end(): void;
}

/** The head goes out at once, the body as the test releases it. */
export function gated(headers: AnswerHeaders): GatedBody {
  const arrivals = createMailbox<Exchange>();
  const started = arrivals.take();
  return {
    answer: (exchange) => {
      exchange.response.writeHead(200, flat(headers)).flushHeaders();
      arrivals.put(exchange);
    },
    async release(piece) {
      const { response } = await started;
      await new Promise<void>((resolve, reject) => {
        response.write(piece, (error) => (error ? reject(error) : resolve()));
      });
    },
    end: () => void started.then(({ response }) => response.end()),
  };
}

/** A body of `times` equal chunks, written as fast as the reader takes them. */
export interface Flood {
  readonly answer: Answer;
  /** Body bytes that the kernel has accepted so far. */
  bytesWritten(): number;
}

/** Each chunk is one HTTP chunk. */
export function flood(headers: AnswerHeaders, chunk: Uint8Array | string, times: number): Flood {
  const payload = Buffer.from(chunk);
  let written = 0;
  return {
    async answer({ seen, response, socket }) {
      await seen.body;
      response.writeHead(200, flat(headers));
      for (let at = 0; at < times; at++) {
        if (socket.destroyed) return;
        if (!response.write(payload)) await roomIn(response);
        written += payload.length;
      }
      response.end();
    },
    bytesWritten: () => written,
  };
}

function endAbruptly({ response, socket }: Exchange, by: "fin" | "rst"): void {
  // Flushed first, so that the bytes before the cut are on the wire when it comes.
  response.write("", () => {
    if (by === "rst") socket.resetAndDestroy();
    else socket.end();
  });
}

function headerPairs(headers: AnswerHeaders): (readonly [string, string])[] {
  return Array.isArray(headers) ? [...headers] : Object.entries(headers);
}

function flat(headers: AnswerHeaders, ...more: (readonly [string, string])[]): string[] {
  return [...headerPairs(headers), ...more].flat();
}
