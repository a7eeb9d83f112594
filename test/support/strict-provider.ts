/** A stand-in model on loopback that refuses what the real APIs refuse, and answers by script on both wires. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { problemWithMessages } from "./strict-anthropic.ts";
import { problemWithChat } from "./strict-openai.ts";

export type Json = Record<string, unknown>;

/** What the stand-in says next. */
export type Reply =
  | { readonly text: string; readonly thinking?: string; readonly stop?: string }
  | {
      readonly calls: readonly { readonly name: string; readonly input: unknown }[];
      readonly text?: string;
      readonly thinking?: string;
    }
  /** Raw bytes and headers, for everything that a model should not do. */
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body: string;
      readonly cut?: boolean;
    }
  /** Head and these bytes, then silence until the client leaves. */
  | { readonly hang: string };

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Json;
  readonly raw: string;
}

export interface StrictProvider {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** What was refused as malformed; a test that ends with any has found a bug. */
  readonly refused: readonly string[];
  /** Settles when the stand-in has seen so many requests. */
  seen(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** `script` gives the reply to the n-th request (from 0) that was well formed. */
export async function startStrictProvider(
  script: (index: number, request: SeenRequest) => Reply | Promise<Reply>,
): Promise<StrictProvider> {
  const requests: SeenRequest[] = [];
  const refused: string[] = [];
  let waiters: { count: number; resolve: () => void }[] = [];

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await readBody(request);
    const body: Json = JSON.parse(raw);
    const seen = { path: request.url ?? "", headers: request.headers, body, raw };
    const isMessages = seen.path.endsWith("/messages");
    const problem = isMessages
      ? problemWithMessages(body, request.headers)
      : problemWithChat(body, request.headers);
    if (problem) {
      refused.push(problem);
      send(response, { status: 400, body: errorBody(isMessages, problem) });
      return;
    }
    const index = requests.push(seen) - 1;
    for (const waiter of waiters) if (requests.length >= waiter.count) waiter.resolve();
    waiters = waiters.filter((waiter) => requests.length < waiter.count);
    const reply = await script(index, seen);
    if ("hang" in reply) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(reply.hang || ": hold\n\n");
      return;
    }
    if ("status" in reply) return send(response, reply);
    const stream = isMessages ? anthropicStream(reply, index) : openAiStream(reply, index);
    send(response, { status: 200, headers: { "content-type": "text/event-stream" }, body: stream });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((thrown) => {
      refused.push(String(thrown));
      send(response, { status: 400, body: errorBody(false, String(thrown)) });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // Justified: a TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    refused,
    seen: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiters.push({ count, resolve })),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type RawReply = Extract<Reply, { status: number }>;

function send(response: ServerResponse, { status, headers, body, cut }: RawReply): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  if (cut) response.write(body, () => response.destroy());
  else response.end(body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function errorBody(isMessages: boolean, message: string): string {
  const error = { type: "invalid_request_error", message };
  return JSON.stringify(
    isMessages ? { type: "error", error } : { error: { ...error, param: null, code: null } },
  );
}

type Spoken = Exclude<Reply, RawReply | { hang: string }>;

function anthropicStream(reply: Spoken, index: number): string {
  const blocks: Json[][] = [];
  const block = (start: Json, ...deltas: Json[]) => blocks.push([start, ...deltas]);
  if (reply.thinking) {
    block(
      { type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: reply.thinking },
      { type: "signature_delta", signature: signatureOf(reply.thinking) },
    );
  }
  if (reply.text)
    block({ type: "text", text: "" }, ...pieces(reply.text).map((text) => ({ type: "text_delta", text })));
  const calls = "calls" in reply ? reply.calls : [];
  for (const [at, call] of calls.entries()) {
    const json = JSON.stringify(call.input);
    block(
      { type: "tool_use", id: `toolu_${index}_${at}`, name: call.name, input: {} },
      ...pieces(json).map((partial_json) => ({ type: "input_json_delta", partial_json })),
    );
  }
  const stop = "calls" in reply ? "tool_use" : (reply.stop ?? "end_turn");
  const events: Json[] = [
    {
      type: "message_start",
      message: {
        type: "message",
        role: "assistant",
        content: [],
        usage: { input_tokens: 100, output_tokens: 1 },
      },
    },
    ...blocks.flatMap(([content_block, ...deltas], at) => [
      { type: "content_block_start", index: at, content_block },
      ...deltas.map((delta) => ({ type: "content_block_delta", index: at, delta })),
      { type: "content_block_stop", index: at },
    ]),
    { type: "message_delta", delta: { stop_reason: stop }, usage: { output_tokens: 10 } },
    { type: "message_stop" },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

/** The signature that the stand-in gives out, and the only one it takes back. */
export function signatureOf(thinking: string): string {
  return `sig-${Buffer.from(thinking).toString("base64url")}`;
}

function openAiStream(reply: Spoken, index: number): string {
  const calls = "calls" in reply ? reply.calls : [];
  const deltas: Json[] = [
    { role: "assistant", content: "" },
    ...(reply.thinking ? [{ reasoning_content: reply.thinking }] : []),
    ...pieces(reply.text ?? "").map((content) => ({ content })),
    ...calls.flatMap((call, at) => [
      {
        tool_calls: [
          {
            index: at,
            id: `call_${index}_${at}`,
            type: "function",
            function: { name: call.name, arguments: "" },
          },
        ],
      },
      ...pieces(JSON.stringify(call.input)).map((piece) => ({
        tool_calls: [{ index: at, function: { arguments: piece } }],
      })),
    ]),
  ];
  const finish = "calls" in reply ? "tool_calls" : (reply.stop ?? "stop");
  const chunks: Json[] = [
    ...deltas.map((delta) => ({ choices: [{ index: 0, delta, finish_reason: null }] })),
    { choices: [{ index: 0, delta: {}, finish_reason: finish }] },
    { choices: [], usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } },
  ];
  return `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("")}data: [DONE]\n\n`;
}

function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,16}/g) ?? [];
}
