/** OpenAI's Responses API: `response.*` events, usage inside the last one, no `[DONE]`. */
import { badRequest } from "./errors.ts";
import { countOf, isObject, type JsonObject, objectsOf } from "./json.ts";
import { type Answer, contentText, createdNow, requireModel } from "./openai-chat.ts";
import { countWords, type Prompt, type Reply, reply, type Tool, type Turn } from "./reply.ts";
import type { SseEvent } from "./sse.ts";

/** `POST /responses`. */
export function responses(body: JsonObject): Answer {
  const model = requireModel(body);
  const prompt = responsesPrompt(body);
  const answer = reply(prompt);
  const head: JsonObject = {
    id: `resp_${crypto.randomUUID()}`,
    object: "response",
    created_at: createdNow(),
    model,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: "auto",
    tools: objectsOf(body.tools),
    top_p: 1,
  };
  const item = outputItem(answer);
  const finished = {
    ...head,
    status: answer.truncated ? "incomplete" : "completed",
    incomplete_details: answer.truncated ? { reason: "max_output_tokens" } : null,
    output: [item],
    usage: responsesUsage(answer),
  };
  return body.stream === true ? { events: responseEvents(head, finished, item, answer) } : { json: finished };
}

/** `POST /responses/input_tokens`: a bare count, which is not usage. */
export function responsesInputTokens(body: JsonObject): Answer {
  const count = responsesPrompt(body).turns.reduce((sum, { text }) => sum + countWords(text), 0);
  return { json: { object: "response.input_tokens", input_tokens: count } };
}

function* responseEvents(
  head: JsonObject,
  finished: JsonObject,
  item: JsonObject,
  answer: Reply,
): Generator<SseEvent> {
  let sequence_number = 0;
  const event = (type: string, members: JsonObject): SseEvent => ({
    event: type,
    data: { type, sequence_number: sequence_number++, ...members },
  });
  const started = { ...head, status: "in_progress", output: [], usage: null };
  yield event("response.created", { response: started });
  yield event("response.in_progress", { response: started });
  const place = { item_id: item.id, output_index: 0 };
  if (answer.toolCall === undefined) {
    const content = { ...place, content_index: 0 };
    const text = answer.words.join("");
    yield event("response.output_item.added", {
      output_index: 0,
      item: { ...item, status: "in_progress", content: [] },
    });
    yield event("response.content_part.added", { ...content, part: outputText("") });
    for (const delta of answer.words)
      yield event("response.output_text.delta", { ...content, delta, logprobs: [] });
    yield event("response.output_text.done", { ...content, text, logprobs: [] });
    yield event("response.content_part.done", { ...content, part: outputText(text) });
  } else {
    const { name, arguments: args } = answer.toolCall;
    const half = Math.ceil(args.length / 2);
    yield event("response.output_item.added", {
      output_index: 0,
      item: { ...item, status: "in_progress", arguments: "" },
    });
    yield event("response.function_call_arguments.delta", { ...place, delta: args.slice(0, half) });
    yield event("response.function_call_arguments.delta", { ...place, delta: args.slice(half) });
    yield event("response.function_call_arguments.done", { ...place, name, arguments: args });
  }
  yield event("response.output_item.done", { output_index: 0, item });
  yield event(answer.truncated ? "response.incomplete" : "response.completed", { response: finished });
}

function outputItem({ words, toolCall, truncated }: Reply): JsonObject {
  const status = truncated ? "incomplete" : "completed";
  if (toolCall === undefined) {
    const content = [outputText(words.join(""))];
    return { id: `msg_${crypto.randomUUID()}`, type: "message", role: "assistant", status, content };
  }
  const ids = { id: `fc_${crypto.randomUUID()}`, call_id: `call_${crypto.randomUUID()}` };
  return { ...ids, type: "function_call", status, ...toolCall };
}

function outputText(text: string): JsonObject {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function responsesUsage({ inputTokens, outputTokens }: Reply): JsonObject {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

function responsesPrompt(body: JsonObject): Prompt {
  if (typeof body.input !== "string" && !Array.isArray(body.input)) {
    throw badRequest("Missing required parameter: 'input'.", "input");
  }
  const system: Turn[] =
    typeof body.instructions === "string" ? [{ role: "system", text: body.instructions }] : [];
  const turns: Turn[] =
    typeof body.input === "string"
      ? [{ role: "user", text: body.input }]
      : objectsOf(body.input).map(responsesTurn);
  return {
    turns: [...system, ...turns],
    tools: objectsOf(body.tools).flatMap(responsesTool),
    maxTokens: countOf(body.max_output_tokens),
  };
}

function responsesTurn({ type, role, content, output }: JsonObject): Turn {
  if (type === "function_call_output") return { role: "tool", text: contentText(output) };
  if (type === "function_call" || role === "assistant")
    return { role: "assistant", text: contentText(content) };
  return { role: role === "system" || role === "developer" ? "system" : "user", text: contentText(content) };
}

function responsesTool({ type, name, parameters }: JsonObject): Tool[] {
  if (type !== "function" || typeof name !== "string") return [];
  return [{ name, schema: isObject(parameters) ? parameters : {} }];
}
