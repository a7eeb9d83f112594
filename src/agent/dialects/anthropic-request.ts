/** Writes an Anthropic Messages request (platform.claude.com/docs, "Messages" and "Prompt caching"). */
import { wellFormed, wireName } from "../transcript.ts";
import type { Block, ImageBlock, Message, ModelRequest, ToolSpec } from "../types.ts";

type Json = Record<string, unknown>;

/** The wire has no default for `max_tokens`; every current model allows this many. */
const answerTokens = 16_384;
/** The API refuses an image whose base64 is longer, and with it every later request of the session. */
const maxImageChars = 5 * 1024 * 1024;
const cacheMark = { cache_control: { type: "ephemeral" } };

export function encodeAnthropic(request: ModelRequest): Json {
  const messages = encodeMessages(request.messages, request.model);
  const budget = request.thinking_budget;
  const thinking = budget !== undefined && mayThink(messages);
  return {
    model: request.model,
    max_tokens: answerTokens + (thinking ? budget : 0),
    stream: true,
    ...(request.system !== "" && { system: [{ type: "text", text: request.system, ...cacheMark }] }),
    messages: markLastBlock(messages),
    ...(request.tools.length > 0 && { tools: request.tools.map(encodeTool) }),
    ...(thinking && { thinking: { type: "enabled", budget_tokens: budget } }),
    ...(request.reasoning_effort !== undefined && { output_config: { effort: request.reasoning_effort } }),
  };
}

function encodeTool(tool: ToolSpec, index: number, all: readonly ToolSpec[]): Json {
  const { name, description, input_schema } = tool;
  return { name, description, input_schema, ...(index === all.length - 1 && cacheMark) };
}

function encodeMessages(messages: readonly Message[], model: string): { role: string; content: Json[] }[] {
  const replayed = messages.map((message) => ({
    ...message,
    content: message.content.filter((block) => isReplayed(block, message, model)),
  }));
  return wellFormed(replayed).map(({ role, content }) => ({ role, content: content.map(encodeBlock) }));
}

/** The API refuses blank text and unsigned thinking, and a signature is only good for the model that made it. */
function isReplayed(block: Block, message: Message, model: string): boolean {
  switch (block.type) {
    case "text":
      return block.text.trim() !== "";
    case "thinking":
      return block.signature !== "" && (message.model_id ?? model) === model;
    case "redacted_thinking":
      return (message.model_id ?? model) === model;
    default:
      return true;
  }
}

function encodeBlock(block: Block): Json {
  switch (block.type) {
    case "text":
      return { type: "text", text: block.text };
    case "image":
      return encodeImage(block);
    case "thinking":
      return { type: "thinking", thinking: block.thinking, signature: block.signature };
    case "redacted_thinking":
      return { type: "redacted_thinking", data: block.data };
    case "tool_use":
      return { type: "tool_use", id: wireId(block.id), name: wireName(block.name), input: block.input };
    case "tool_result":
      return {
        type: "tool_result",
        tool_use_id: wireId(block.tool_use_id),
        // The API refuses images in a result that is an error.
        content: resultContent(block.content, block.is_error ? [] : (block.images ?? [])),
        is_error: block.is_error,
      };
  }
}

function encodeImage({ source }: ImageBlock): Json {
  if (source.data.length > maxImageChars) {
    return { type: "text", text: `[an ${source.media_type} image is left out: more than 5 MiB in base64]` };
  }
  return {
    type: "image",
    source: { type: "base64", media_type: source.media_type, data: source.data },
  };
}

function resultContent(text: string, images: readonly ImageBlock[]): Json[] {
  const said = text.trim() === "" ? (images.length > 0 ? [] : ["(no output)"]) : [text];
  return [...said.map((line) => ({ type: "text", text: line })), ...images.map(encodeImage)];
}

/** Ids made by other providers may hold characters that this API refuses (`^[a-zA-Z0-9_-]+$`). */
function wireId(id: string): string {
  return id.replace(/[^a-zA-Z0-9_-]/g, "_");
}

function markLastBlock(messages: { role: string; content: Json[] }[]): Json[] {
  return messages.map((message, index) => {
    const last = message.content.at(-1);
    if (index < messages.length - 1 || !last) return message;
    return { ...message, content: [...message.content.slice(0, -1), { ...last, ...cacheMark }] };
  });
}

/**
 * With thinking on, the API wants the assistant message that the last tool results answer to begin with thinking. One
 * that was written with thinking off, or by another model, has none: then thinking stays off for the rest of its turn.
 */
function mayThink(messages: readonly { role: string; content: Json[] }[]): boolean {
  const last = messages.findLast((message) => message.role === "assistant");
  if (!last?.content.some((block) => block.type === "tool_use")) return true;
  if (last !== messages.at(-2)) return true;
  return last.content[0]?.type === "thinking" || last.content[0]?.type === "redacted_thinking";
}
