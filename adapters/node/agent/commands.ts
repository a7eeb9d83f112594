/** The commands of `serve`, each a table entry. */
import {
  type AgentEvent,
  type Block,
  type ImageBlock,
  lastAssistantText,
  type RunResult,
  type Tool,
} from "../../../src/agent/index.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../src/agent/json.ts";
import { minThinkingTokens } from "./options.ts";
import type { SessionHost } from "./session-host.ts";

export interface CommandContext {
  readonly host: SessionHost;
  readonly cwd: string;
  readonly tools: readonly Tool[];
  readonly onEvent: (event: AgentEvent) => Promise<void>;
}

export interface Command {
  /** `now`: served at once, also while a prompt runs. `idle`: only between prompts. `job`: runs until it is done. */
  readonly when: "now" | "idle" | "job";
  readonly input: readonly string[];
  /** Gives the response's `data`. The message of a throw is the response's `error`. */
  run(input: JsonObject, context: CommandContext): Promise<unknown> | unknown;
}

export const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries<Command>({
    prompt: { when: "job", input: ["message", "images?"], run: prompt },
    compact: { when: "job", input: [], run: compact },
    steer: {
      when: "now",
      input: ["message"],
      run: (input, { host }) => host.agent.steer(requireText(input, "message")),
    },
    follow_up: {
      when: "now",
      input: ["message"],
      run: (input, { host }) => host.agent.followUp(requireText(input, "message")),
    },
    abort: { when: "now", input: [], run: (_, { host }) => ({ unsaid: host.agent.abort() }) },
    get_state: { when: "now", input: [], run: (_, context) => describeState(context) },
    get_messages: { when: "now", input: [], run: (_, { host }) => ({ messages: listMessages(host) }) },
    get_last_assistant_text: {
      when: "now",
      input: [],
      run: (_, { host }) => ({ text: lastAssistantText(host.agent.session.messages) ?? null }),
    },
    get_session_stats: { when: "now", input: [], run: (_, { host }) => describeStats(host) },
    get_commands: { when: "now", input: [], run: () => ({ commands: describeCommands() }) },
    list_sessions: { when: "now", input: [], run: async (_, { host }) => ({ sessions: await host.list() }) },
    new_session: {
      when: "idle",
      input: [],
      run: async (_, context) => {
        await context.host.start();
        return describeState(context);
      },
    },
    switch_session: {
      when: "idle",
      input: ["session_id"],
      run: async (input, context) => {
        await context.host.switchTo(requireText(input, "session_id"));
        return describeState(context);
      },
    },
    fork: {
      when: "idle",
      input: ["upto?"],
      run: async (input, context) => {
        await context.host.fork(
          input.upto === undefined || input.upto === null ? undefined : requireText(input, "upto"),
        );
        return describeState(context);
      },
    },
    set_session_name: {
      when: "idle",
      input: ["title"],
      run: async (input, { host }) => {
        await host.agent.session.setTitle(requireText(input, "title"));
        return { title: host.agent.session.state.title };
      },
    },
    set_model: {
      when: "idle",
      input: ["model"],
      run: async (input, { host }) => {
        await host.agent.session.setModel(requireText(input, "model"));
        return { model: host.agent.session.state.model };
      },
    },
    set_thinking: {
      when: "idle",
      input: ["budget"],
      run: (input, { host }) => {
        host.agent.thinkingBudget = readBudget(input.budget);
        return { budget: host.agent.thinkingBudget ?? null };
      },
    },
  }),
);

async function prompt(input: JsonObject, { host, onEvent }: CommandContext): Promise<unknown> {
  const text: Block = { type: "text", text: requireText(input, "message") };
  const result = await host.agent.prompt([text, ...readImages(input.images)], { onEvent });
  return promptData(result, host);
}

function promptData(result: RunResult, { agent }: SessionHost): unknown {
  if (!result.ok) throw new Error(result.message);
  return { usage: agent.session.state.usage, stop_reason: result.stop_reason, steps: result.steps };
}

async function compact(_: JsonObject, { host, onEvent }: CommandContext): Promise<unknown> {
  const compacted = await host.agent.compact({ onEvent });
  await host.agent.session.sync();
  return { compacted, messages: host.agent.session.messages.length };
}

function describeState({ host, cwd, tools }: CommandContext): unknown {
  const { session, running, queued, thinkingBudget } = host.agent;
  return {
    session_id: session.header.id,
    model: session.state.model,
    cwd,
    title: session.state.title,
    parent: session.header.parent,
    running,
    queued,
    thinking_budget: thinkingBudget ?? null,
    messages: session.messages.length,
    tools: tools.map((tool) => tool.name),
  };
}

function listMessages({ agent }: SessionHost): unknown {
  return agent.session.state.transcript.map(({ id, message }) => ({ id, ...message }));
}

function describeStats({ agent }: SessionHost): unknown {
  const { header, state, messages } = agent.session;
  const count = (role: string) => messages.filter((message) => message.role === role).length;
  return {
    session_id: header.id,
    usage: state.usage,
    last_input_tokens: state.lastInput,
    messages: messages.length,
    user_messages: count("user"),
    assistant_messages: count("assistant"),
    tool_calls: state.callIds.size,
  };
}

function describeCommands(): unknown {
  return [...commands].map(([name, { when, input }]) => ({ name, input, while_running: when === "now" }));
}

function requireText(input: JsonObject, name: string): string {
  const value = asString(input[name]);
  if (!value?.trim()) throw new Error(`${name}: want a text that is not empty`);
  return value;
}

function readBudget(value: unknown): number | undefined {
  if (value === null || value === 0) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= minThinkingTokens) return value;
  throw new Error(`budget: want a whole number of at least ${minThinkingTokens}, or 0 for no thinking`);
}

/** Image blocks as in a message, or just `{media_type, data}`. */
function readImages(value: unknown): ImageBlock[] {
  if (value !== undefined && value !== null && !Array.isArray(value)) throw new Error("images: want a list");
  return asArray(value).map((item) => {
    const image = asObject(item);
    const source = asObject(image?.source) ?? image;
    const media_type = asString(source?.media_type);
    const data = asString(source?.data);
    if (!media_type?.startsWith("image/") || !data || !/^[A-Za-z0-9+/]+={0,2}$/.test(data)) {
      throw new Error("images: want {media_type, data} with data in base64");
    }
    return { type: "image", source: { type: "base64", media_type, data } };
  });
}
