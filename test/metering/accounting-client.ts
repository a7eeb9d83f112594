/** The clients of the accounting run: ask as the plan says, read, or leave when it says so. */
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { forge } from "../support/mint.ts";
import type { RequestPlan, Shape } from "./accounting-plan.ts";
import { type Meeting, PLAN_HEADER } from "./accounting-provider.ts";
import { KEY } from "./lab.ts";

const TARGETS: Readonly<Record<Shape, string>> = {
  "chat-json": "/openai/v1/chat/completions",
  "chat-stream": "/openai/v1/chat/completions",
  "messages-json": "/anthropic/v1/messages",
  "messages-stream": "/anthropic/v1/messages",
  "responses-stream": "/openai/v1/responses",
};

const CREDENTIALS = { managed: KEY, byo: "sk-of-my-own", refused: forge() } as const;

/** What the client knows in the end. */
export interface Asked {
  readonly plan: RequestPlan;
  /** Absent if no head came. */
  readonly status?: number;
  readonly requestId?: string;
  /** The body ended as HTTP ends it. */
  readonly whole: boolean;
}

/** All the requests, so many at a time. */
export async function askAll(
  url: string,
  plans: readonly RequestPlan[],
  meetings: readonly Meeting[],
  concurrency: number,
): Promise<Asked[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const asked: Asked[] = [];
  const queue = plans.values();
  const work = async () => {
    for (const plan of queue) asked.push(await ask(url, agent, plan, meetings[plan.n]!));
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  agent.destroy();
  return asked;
}

async function ask(url: string, agent: Agent, plan: RequestPlan, meeting: Meeting): Promise<Asked> {
  const body = JSON.stringify({
    model: `model-${plan.n}`,
    stream: plan.shape.endsWith("stream"),
    messages: [{ role: "user", content: "a".repeat(plan.promptBytes) }],
  });
  const outgoing = request(url + TARGETS[plan.shape], {
    agent,
    method: "POST",
    headers: {
      authorization: `Bearer ${CREDENTIALS[plan.credential]}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      [PLAN_HEADER]: String(plan.n),
    },
  });
  outgoing.on("error", () => {});
  const isRefused = plan.credential === "refused";
  if (plan.fault === "left-in-upload" && !isRefused) {
    outgoing.write(body.slice(0, body.length / 2));
    return leaveOnce(meeting, outgoing, plan);
  }
  const head = headOf(outgoing);
  outgoing.end(body);
  if (plan.fault === "left-before-head" && !isRefused) return leaveOnce(meeting, outgoing, plan);
  const response = await head;
  if (!response) return { plan, whole: false };
  return read(response, outgoing, plan, meeting);
}

/** Leaves when the provider has the request: before that nobody could say whether the gateway has it. */
async function leaveOnce(meeting: Meeting, outgoing: ClientRequest, plan: RequestPlan): Promise<Asked> {
  await meeting.arrived.opened;
  outgoing.destroy();
  return { plan, whole: false };
}

function headOf(outgoing: ClientRequest): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    outgoing.once("response", resolve);
    outgoing.once("close", () => resolve(undefined));
  });
}

async function read(
  response: IncomingMessage,
  outgoing: ClientRequest,
  plan: RequestPlan,
  meeting: Meeting,
): Promise<Asked> {
  const closed = new Promise((resolve) => response.once("close", resolve));
  response.on("error", () => {});
  response.on("data", () => {
    meeting.read.open();
    if (plan.fault === "left-in-body") outgoing.destroy();
  });
  await closed;
  const requestId = response.headers["x-beyond-request-id"];
  return {
    plan,
    status: response.statusCode ?? 0,
    ...(typeof requestId === "string" && { requestId }),
    whole: response.complete,
  };
}
