/** A transport that plays a script, and small makers of events, tools and agents. */
import {
  type Agent,
  type AgentEvent,
  type AgentOptions,
  createAgent,
  createSession,
  type ModelRequest,
  type ModelTransport,
  newHeader,
  noUsage,
  type StopReason,
  type StreamEvent,
  type Tool,
  type Usage,
} from "../../../src/agent/index.ts";

/** One attempt: its events, then an error if there is one. */
export type Attempt =
  | readonly (StreamEvent | Error)[]
  | ((request: ModelRequest) => AsyncIterable<StreamEvent>);

export interface ScriptedTransport extends ModelTransport {
  readonly requests: readonly ModelRequest[];
}

/** Plays one attempt a call; a call beyond the script fails the test. */
export function scripted(...attempts: readonly Attempt[]): ScriptedTransport {
  const requests: ModelRequest[] = [];
  return {
    requests,
    async *stream(request) {
      const attempt = attempts[requests.length];
      requests.push({ ...request, messages: [...request.messages] });
      if (!attempt) throw new Error(`the script has no attempt ${requests.length}`);
      if (typeof attempt === "function") {
        yield* attempt(request);
        return;
      }
      for (const event of attempt) {
        if (event instanceof Error) throw event;
        yield event;
      }
    },
  };
}

export function stop(
  stop_reason: StopReason,
  usage: Partial<Usage> = { input_tokens: 10, output_tokens: 1 },
): StreamEvent[] {
  return [
    { type: "usage", ...noUsage, ...usage },
    { type: "message_stop", stop_reason },
  ];
}

export function says(text: string, usage?: Partial<Usage>): StreamEvent[] {
  return [
    { type: "message_start" },
    { type: "text_delta", index: 0, text },
    { type: "content_block_stop", index: 0 },
    ...stop("end_turn", usage),
  ];
}

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly input?: unknown;
  /** Raw JSON, for input that is cut or wrong. */
  readonly json?: string;
}

export function callParts(calls: readonly Call[]): StreamEvent[] {
  return calls.flatMap(({ id, name, input = {}, json = JSON.stringify(input) }, index): StreamEvent[] => [
    { type: "tool_use_start", index, id, name },
    { type: "input_json_delta", index, partial_json: json },
    { type: "content_block_stop", index },
  ]);
}

export function callsFor(...calls: readonly Call[]): StreamEvent[] {
  return [{ type: "message_start" }, ...callParts(calls), ...stop("tool_use")];
}

export function tool(name: string, run: Tool["run"], more: Partial<Tool> = {}): Tool {
  return { name, description: name, input_schema: { type: "object" }, run, ...more };
}

export interface Harness {
  readonly agent: Agent;
  readonly events: AgentEvent[];
  readonly onEvent: (event: AgentEvent) => void;
  /** `kind` of every event, streams as `stream:type`, tool events with their id. */
  trace(): string[];
}

export async function harness(options: Omit<AgentOptions, "session">): Promise<Harness> {
  const session = await createSession(newHeader({ cwd: "/work", model: "test-model" }));
  const events: AgentEvent[] = [];
  return {
    agent: createAgent({ random: () => 1, ...options, session }),
    events,
    onEvent: (event) => {
      events.push(event);
    },
    trace: () => events.map(describe),
  };
}

function describe(event: AgentEvent): string {
  if (event.kind === "stream") return `stream:${event.type}`;
  return "id" in event ? `${event.kind}:${event.id}` : event.kind;
}

/** A promise with its handles. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
