/** Anthropic's messages: input counted in `message_start`, output in `message_delta`, ended by `message_stop`. */
import { badRequest } from "./errors.ts";
import { countOf, isObject, type JsonObject, objectsOf, textOf } from "./json.ts";
import { type Answer, contentText } from "./openai-chat.ts";
import { countWords, type Prompt, type Reply, reply, type Tool, type Turn } from "./reply.ts";
import type { SseEvent } from "./sse.ts";

/** `POST /messages`. */
export function messages(body: JsonObject): Answer {
  const prompt = messagesPrompt(body);
  if (prompt.maxTokens === undefined) throw badRequest("max_tokens: Field required");
  const answer = reply(prompt);
  const head = { id: `msg_${crypto.randomUUID()}`, type: "message", role: "assistant", model: body.model };
  if (body.stream === true) return { events: messageEvents(head, answer) };
  const end = { stop_reason: stopReason(answer), stop_sequence: null };
  return {
    json: {
      ...head,
      content: [contentBlock(answer)],
      ...end,
      usage: messageUsage(answer, answer.outputTokens),
    },
  };
}

/** `POST /messages/count_tokens`: a bare count, which is not usage. */
export function countTokens(body: JsonObject): Answer {
  const count = messagesPrompt(body).turns.reduce((sum, { text }) => sum + countWords(text), 0);
  return { json: { input_tokens: count } };
}

function* messageEvents(head: JsonObject, answer: Reply): Generator<SseEvent> {
  const event = (type: string, members: JsonObject): SseEvent => ({
    event: type,
    data: { type, ...members },
  });
  const started = {
    ...head,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: messageUsage(answer, 1),
  };
  const block = contentBlock(answer);
  const { toolCall } = answer;
  yield event("message_start", { message: started });
  const empty = toolCall === undefined ? { text: "" } : { input: {} };
  yield event("content_block_start", { index: 0, content_block: { ...block, ...empty } });
  yield event("ping", {});
  const delta = (members: JsonObject): SseEvent => event("content_block_delta", { index: 0, delta: members });
  for (const text of answer.words) yield delta({ type: "text_delta", text });
  if (toolCall !== undefined) {
    const half = Math.ceil(toolCall.arguments.length / 2);
    yield delta({ type: "input_json_delta", partial_json: toolCall.arguments.slice(0, half) });
    yield delta({ type: "input_json_delta", partial_json: toolCall.arguments.slice(half) });
  }
  yield event("content_block_stop", { index: 0 });
  yield event("message_delta", {
    delta: { stop_reason: stopReason(answer), stop_sequence: null },
    usage: { output_tokens: answer.outputTokens },
  });
  yield event("message_stop", {});
}

function contentBlock({ words, toolCall }: Reply): JsonObject {
  if (toolCall === undefined) return { type: "text", text: words.join(""), citations: null };
  const input: unknown = JSON.parse(toolCall.arguments);
  return { type: "tool_use", id: `toolu_${crypto.randomUUID()}`, name: toolCall.name, input };
}

function messageUsage({ inputTokens }: Reply, outputTokens: number): JsonObject {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    service_tier: "standard",
  };
}

function stopReason({ toolCall, truncated }: Reply): string {
  if (toolCall !== undefined) return "tool_use";
  return truncated ? "max_tokens" : "end_turn";
}

function messagesPrompt(body: JsonObject): Prompt {
  if (textOf(body.model) === undefined) throw badRequest("model: Field required");
  if (!Array.isArray(body.messages)) throw badRequest("messages: Field required");
  if (body.messages.length === 0) throw badRequest("messages: at least one message is required");
  const system: Turn[] =
    body.system === undefined ? [] : [{ role: "system", text: contentText(body.system) }];
  return {
    turns: [...system, ...objectsOf(body.messages).map(messagesTurn)],
    tools: objectsOf(body.tools).flatMap(messagesTool),
    maxTokens: countOf(body.max_tokens),
  };
}

function messagesTurn({ role, content }: JsonObject): Turn {
  const result = objectsOf(content).find(({ type }) => type === "tool_result");
  if (result !== undefined) return { role: "tool", text: contentText(result.content) };
  return { role: role === "assistant" ? "assistant" : "user", text: contentText(content) };
}

function messagesTool({ name, input_schema: schema }: JsonObject): Tool[] {
  return typeof name === "string" ? [{ name, schema: isObject(schema) ? schema : {} }] : [];
}
