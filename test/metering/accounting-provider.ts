/** The provider of the accounting run: does what each request's plan says, and keeps its own count of what it billed whole. */
import { once } from "node:events";
import type { Answer, Exchange } from "../support/stand-in.ts";
import type { RequestPlan } from "./accounting-plan.ts";
import { event } from "./lab.ts";

/** The header that carries `n` to the provider. */
export const PLAN_HEADER = "x-plan";

/** Meeting points of one request's client and provider. */
export interface Meeting {
  /** The provider has the request's head. */
  readonly arrived: Gate;
  /** The client has read the first piece, so that a stalled answer may go on. */
  readonly read: Gate;
}

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function createMeeting(): Meeting {
  return { arrived: createGate(), read: createGate() };
}

function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

export interface Provider {
  readonly answer: Answer;
  /** Requests that reached it. */
  readonly seen: Set<number>;
  /** Requests that it answered to the last byte, with usage. */
  readonly billed: Set<number>;
}

export function createProvider(plans: readonly RequestPlan[], meetings: readonly Meeting[]): Provider {
  const seen = new Set<number>();
  const billed = new Set<number>();
  const answer: Answer = async (exchange) => {
    const n = Number(exchange.seen.header(PLAN_HEADER)[0]);
    const plan = plans[n]!;
    const meeting = meetings[n]!;
    seen.add(n);
    meeting.arrived.open();
    if (plan.fault !== "left-in-upload") await exchange.seen.body;
    if (await play(exchange, plan, meeting)) billed.add(n);
  };
  return { answer, seen, billed };
}

/** True if the answer went out whole. */
async function play({ response, socket }: Exchange, plan: RequestPlan, meeting: Meeting): Promise<boolean> {
  const { fault, shape } = plan;
  const gone = once(response, "close");
  if (fault === "left-before-head" || fault === "left-in-upload") return gone.then(() => false);
  if (fault === "reset-before-head") {
    socket.resetAndDestroy();
    return false;
  }
  if (fault === "status-429" || fault === "status-500") {
    const body = JSON.stringify({ error: { message: "no" } });
    response.writeHead(Number(fault.slice(-3)), { "content-type": "application/json" }).end(body);
    return false;
  }
  const [start, rest] = bodyOf(plan);
  const isStream = shape.endsWith("stream");
  // A gateway may read a small declared body whole: a client cannot meet half of it.
  const isDeclared = !isStream && fault !== "stall" && fault !== "left-in-body";
  response.writeHead(200, {
    "content-type": isStream ? "text/event-stream" : "application/json",
    ...(isDeclared && { "content-length": String(Buffer.byteLength(start + rest)) }),
  });
  const isWhole = fault === "none";
  if (isWhole) response.end(start + rest);
  else await new Promise<void>((resolve) => response.write(start, () => resolve()));
  if (fault === "stall") {
    await Promise.race([meeting.read.opened, gone]);
    response.end(rest);
  } else if (fault === "cut-by-fin") socket.end();
  else if (fault === "cut-by-rst") socket.resetAndDestroy();
  await gone;
  return response.writableFinished && (isWhole || fault === "stall");
}

/** A body in two pieces: what comes before a fault, and the rest, with the usage in it. */
function bodyOf(plan: RequestPlan): [start: string, rest: string] {
  const { shape, n, inputTokens, outputTokens, answerBytes } = plan;
  const model = `served-${n}`;
  const text = "x".repeat(answerBytes);
  const chat = { prompt_tokens: inputTokens, completion_tokens: outputTokens };
  const messages = { input_tokens: inputTokens, output_tokens: outputTokens };
  switch (shape) {
    case "chat-json":
      return halves(JSON.stringify({ model, choices: [{ message: { content: text } }], usage: chat }));
    case "messages-json":
      return halves(JSON.stringify({ model, content: [{ type: "text", text }], usage: messages }));
    case "chat-stream":
      return [
        event({ model, choices: [{ delta: { content: text } }] }),
        `${event({ model, choices: [], usage: chat })}data: [DONE]\n\n`,
      ];
    case "messages-stream":
      return [
        event({ type: "message_start", message: { model, usage: { ...messages, output_tokens: 1 } } }) +
          event({ type: "content_block_delta", delta: { type: "text_delta", text } }),
        event({ type: "message_delta", usage: { output_tokens: outputTokens } }) +
          event({ type: "message_stop" }),
      ];
    case "responses-stream":
      return [
        event({ type: "response.created", response: { model, usage: null } }) +
          event({ type: "response.output_text.delta", delta: text }),
        event({ type: "response.completed", response: { model, output: [{ text }], usage: messages } }),
      ];
  }
}

const halves = (body: string): [string, string] => {
  const middle = Math.floor(body.length / 2);
  return [body.slice(0, middle), body.slice(middle)];
};
