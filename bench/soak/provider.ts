/** The provider of the soak: each request says in a header how it is to be answered, faults among them. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const ANSWER_HEADER = "x-soak-answer";

const USAGE = { prompt_tokens: 9, completion_tokens: 20, total_tokens: 29 };
const EVENT = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "soak and soak " } }] })}\n\n`;
const END = `data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`;
const EVENTS = 20;
const SSE = { "content-type": "text/event-stream" };

type Respond = (response: ServerResponse) => void;

const json =
  (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Respond =>
  (response) =>
    void response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(JSON.stringify(value));

/** Events a tick each, then what is to happen. */
function stream(response: ServerResponse, events: number, then: () => void): void {
  response.writeHead(200, SSE);
  let left = events;
  const next = (): void => {
    if (response.destroyed) return;
    if (left-- === 0) return then();
    if (response.write(EVENT)) setImmediate(next);
    else response.once("drain", next);
  };
  next();
}

const ANSWERS = {
  json: json(200, { choices: [], usage: USAGE }),
  stream: (response) => stream(response, EVENTS, () => response.end(END)),
  large: (response) => stream(response, 20_000, () => response.end(END)),
  cut: (response) => stream(response, EVENTS, () => response.socket?.resetAndDestroy()),
  endless: (response) => stream(response, Number.POSITIVE_INFINITY, () => undefined),
  silent: () => undefined,
  hang: (response) => stream(response, 1, () => undefined),
  refuse: (response) => void response.socket?.resetAndDestroy(),
  busy: json(429, { error: "busy" }, { "retry-after": "1" }),
  broken: json(500, { error: "broken" }),
} satisfies Readonly<Record<string, Respond>>;

export type AnswerName = keyof typeof ANSWERS;

export interface SoakProvider {
  readonly authority: string;
  openSockets(): Promise<number>;
  close(): void;
}

export async function startSoakProvider(): Promise<SoakProvider> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request: IncomingMessage, response) => {
    const name = String(request.headers[ANSWER_HEADER] ?? "json");
    request.resume().once("end", () => ANSWERS[name as AnswerName](response)); // only the soak's own traffic comes here
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server, so never a pipe's string
  return {
    authority: `127.0.0.1:${port}`,
    openSockets: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    close: () => void server.close().closeAllConnections(),
  };
}
