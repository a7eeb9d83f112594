/** OpenAI's chat completions and legacy completions, as JSON and as SSE. */
import { badRequest } from "./errors.ts";
import { countOf, isObject, type JsonObject, objectsOf, textOf } from "./json.ts";
import { type Reply, reply, type Tool, type Turn } from "./reply.ts";
import type { SseEvent } from "./sse.ts";

/** An answer as one JSON document, or as events when the request streams. */
export type Answer = { readonly json: JsonObject } | { readonly events: Iterable<SseEvent> };

const CHAT_ROLES: ReadonlyMap<unknown, Turn["role"]> = new Map([
  ["system", "system"],
  ["developer", "system"],
  ["assistant", "assistant"],
  ["tool", "tool"],
]);

/** `POST /chat/completions`. */
export function chatCompletions(body: JsonObject): Answer {
  const model = requireModel(body);
  if (!Array.isArray(body.messages) || body.messages.length === 0) {
    throw badRequest("Missing required parameter: 'messages'.", "messages");
  }
  const answer = reply({
    turns: objectsOf(body.messages).map(chatTurn),
    tools: objectsOf(body.tools).flatMap(chatTool),
    maxTokens: countOf(body.max_completion_tokens) ?? countOf(body.max_tokens),
  });
  const head = { id: `chatcmpl-${crypto.randomUUID()}`, created: createdNow(), model };
  if (body.stream === true) return { events: chatEvents(head, answer, asksForUsage(body)) };
  const choice = {
    index: 0,
    message: chatMessage(answer),
    logprobs: null,
    finish_reason: finishReason(answer),
  };
  return { json: { ...head, object: "chat.completion", choices: [choice], usage: chatUsage(answer) } };
}

/** `POST /completions`. */
export function completions(body: JsonObject): Answer {
  const model = requireModel(body);
  const prompts = Array.isArray(body.prompt) ? body.prompt : [body.prompt];
  const turns = prompts.map(
    (prompt): Turn => ({ role: "user", text: typeof prompt === "string" ? prompt : "" }),
  );
  const answer = reply({ turns, tools: [], maxTokens: countOf(body.max_tokens) });
  const head = { id: `cmpl-${crypto.randomUUID()}`, object: "text_completion", created: createdNow(), model };
  if (body.stream === true) return { events: completionEvents(head, answer, asksForUsage(body)) };
  const choice = {
    index: 0,
    text: answer.words.join(""),
    logprobs: null,
    finish_reason: finishReason(answer),
  };
  return { json: { ...head, choices: [choice], usage: chatUsage(answer) } };
}

/** The root `model`, or OpenAI's 400. */
export function requireModel(body: JsonObject): string {
  const model = textOf(body.model);
  if (model === undefined) throw badRequest("you must provide a model parameter");
  return model;
}

/** Seconds since the epoch, as OpenAI dates its objects. */
export function createdNow(): number {
  return Math.floor(Date.now() / 1000);
}

/** The text of a message's `content`: a string, or parts of which those with a `text` count. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return objectsOf(content)
    .map(({ text }) => (typeof text === "string" ? text : ""))
    .join(" ");
}

function* chatEvents(head: JsonObject, answer: Reply, withUsage: boolean): Generator<SseEvent> {
  const chunk = (delta: JsonObject, finish_reason: string | null = null): SseEvent => ({
    data: {
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
      ...(withUsage ? { usage: null } : {}),
    },
  });
  yield chunk({ role: "assistant", content: answer.toolCall === undefined ? "" : null });
  for (const word of answer.words) yield chunk({ content: word });
  if (answer.toolCall !== undefined) {
    const { name, arguments: args } = answer.toolCall;
    const half = Math.ceil(args.length / 2);
    const call = { index: 0, id: callId(), type: "function", function: { name, arguments: "" } };
    yield chunk({ tool_calls: [call] });
    yield chunk({ tool_calls: [{ index: 0, function: { arguments: args.slice(0, half) } }] });
    yield chunk({ tool_calls: [{ index: 0, function: { arguments: args.slice(half) } }] });
  }
  yield chunk({}, finishReason(answer));
  if (withUsage) {
    yield { data: { ...head, object: "chat.completion.chunk", choices: [], usage: chatUsage(answer) } };
  }
  yield { data: "[DONE]" };
}

function* completionEvents(head: JsonObject, answer: Reply, withUsage: boolean): Generator<SseEvent> {
  const chunk = (text: string, finish_reason: string | null): SseEvent => ({
    data: {
      ...head,
      choices: [{ index: 0, text, logprobs: null, finish_reason }],
      ...(withUsage ? { usage: null } : {}),
    },
  });
  for (const word of answer.words) yield chunk(word, null);
  yield chunk("", finishReason(answer));
  if (withUsage) yield { data: { ...head, choices: [], usage: chatUsage(answer) } };
  yield { data: "[DONE]" };
}

/** OpenAI reports usage in a stream only on demand, in a last chunk without choices. */
function asksForUsage({ stream_options: options }: JsonObject): boolean {
  return isObject(options) && options.include_usage === true;
}

function chatMessage({ words, toolCall }: Reply): JsonObject {
  if (toolCall === undefined) return { role: "assistant", content: words.join(""), refusal: null };
  const call = { id: callId(), type: "function", function: toolCall };
  return { role: "assistant", content: null, refusal: null, tool_calls: [call] };
}

function chatUsage({ inputTokens, outputTokens }: Reply): JsonObject {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

function finishReason({ toolCall, truncated }: Reply): string {
  if (toolCall !== undefined) return "tool_calls";
  return truncated ? "length" : "stop";
}

function chatTurn({ role, content }: JsonObject): Turn {
  return { role: CHAT_ROLES.get(role) ?? "user", text: contentText(content) };
}

function chatTool({ function: tool }: JsonObject): Tool[] {
  if (!isObject(tool) || typeof tool.name !== "string") return [];
  return [{ name: tool.name, schema: isObject(tool.parameters) ? tool.parameters : {} }];
}

function callId(): string {
  return `call_${crypto.randomUUID()}`;
}
