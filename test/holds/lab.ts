/** Short words for the tests of load, faults and abuse: chat requests over bare sockets, metrics, and streams held open. */
import { createMailbox } from "../support/mailbox.ts";
import { mint } from "../support/mint.ts";
import { formatRequest, openRaw, type RawConnection, type RawRequest } from "../support/raw-http.ts";
import { parseRow, type Row } from "../support/rows.ts";
import type { Answer, Exchange } from "../support/stand-in.ts";

export const KEY = mint({ tenantId: "42", vpcId: "7", keyId: "9" });
export const CHAT = "/openai/v1/chat/completions";
export const SSE = { "content-type": "text/event-stream" } as const;

/** A stream's start and its end, usage included: together a whole one. */
export const FIRST = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content: "hello" } }] })}\n\n`;
export const LAST = `data: ${JSON.stringify({
  id: "c",
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
})}\n\ndata: [DONE]\n\n`;

/** A whole JSON answer. */
export const COMPLETION = {
  id: "c",
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};

export interface ChatRequest extends Partial<RawRequest> {
  readonly key?: string;
  readonly stream?: boolean;
}

/** The bytes of a small chat request; `more` wins. */
export function chatBytes(url: string, { key = KEY, stream = false, ...more }: ChatRequest = {}): Buffer {
  return formatRequest(url, {
    method: "POST",
    target: CHAT,
    body: JSON.stringify({ model: "m", stream, messages: [{ role: "user", content: "hello" }] }),
    ...more,
    headers: [
      ["authorization", `Bearer ${key}`],
      ["content-type", "application/json"],
      ...(more.headers ?? []),
    ],
  });
}

/** Sends a chat request, or so many bytes of it, on a connection of its own; the reading is the test's. */
export async function openChat(
  url: string,
  request: ChatRequest = {},
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<RawConnection> {
  const connection = await openRaw(url);
  connection.send(chatBytes(url, request).subarray(0, maxBytes));
  return connection;
}

/** An answer that sends `FIRST` and keeps every stream open until it is let go. */
export function heldStreams() {
  const arrivals = createMailbox<Exchange>();
  const held: Exchange[] = [];
  const answer: Answer = (exchange) => {
    exchange.response.writeHead(200, SSE).write(FIRST);
    held.push(exchange);
    arrivals.put(exchange);
  };
  return {
    answer,
    next: () => arrivals.take(),
    endAll() {
      for (const { response } of held) response.end(LAST);
    },
  };
}

/** A sample of the admin listener by its whole name, labels included; 0 while there is none. */
export async function metric(adminUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

/** The rows in a process's standard output. */
export const rowsIn = (stdout: string): Row[] => stdout.split("\n").filter(Boolean).map(parseRow);

/** Nobody listens there any more. */
export const isRefused = (url: string): Promise<boolean> =>
  openRaw(url).then(
    (connection) => {
      connection.destroy();
      return false;
    },
    () => true,
  );
