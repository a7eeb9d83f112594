/** Writes an OpenAI chat-completions request (platform.openai.com/docs/api-reference/chat). */
import { wellFormed, wireName } from "../transcript.ts";
import type { Block, ImageBlock, Message, ModelRequest, ToolResultBlock, ToolSpec } from "../types.ts";

type Json = Record<string, unknown>;

export function encodeOpenAi(request: ModelRequest): Json {
  const system = request.system === "" ? [] : [{ role: "system", content: request.system }];
  const replayed = request.messages.map((message) => ({
    ...message,
    content: message.content.filter(isReplayed),
  }));
  return {
    model: request.model,
    stream: true,
    stream_options: { include_usage: true },
    messages: [...system, ...wellFormed(replayed).flatMap(encodeMessage)],
    ...(request.tools.length > 0 && { tools: request.tools.map(encodeTool) }),
    ...(request.reasoning_effort !== undefined && { reasoning_effort: request.reasoning_effort }),
  };
}

/** This wire has no place for earlier thinking. */
function isReplayed(block: Block): boolean {
  if (block.type === "text") return block.text !== "";
  return block.type !== "thinking" && block.type !== "redacted_thinking";
}

function encodeTool({ name, description, input_schema }: ToolSpec): Json {
  return { type: "function", function: { name, description, parameters: input_schema } };
}

function encodeMessage(message: Message): Json[] {
  return message.role === "assistant" ? [encodeAssistant(message)] : encodeUser(message);
}

function encodeAssistant({ content }: Message): Json {
  const text = content.map((block) => (block.type === "text" ? block.text : "")).join("");
  const tool_calls = content
    .filter((block) => block.type === "tool_use")
    .map(({ id, name, input }) => ({
      id,
      type: "function",
      function: { name: wireName(name), arguments: JSON.stringify(input) },
    }));
  return {
    role: "assistant",
    content: text === "" ? null : text,
    ...(tool_calls.length > 0 && { tool_calls }),
  };
}

/** The API wants every tool message right after the calls, so all else of the turn follows them in one user message. */
function encodeUser({ content }: Message): Json[] {
  const results = content.filter((block) => block.type === "tool_result");
  const parts = [
    ...results.flatMap(resultImages),
    ...content.flatMap((block) => {
      if (block.type === "text") return [textPart(block.text)];
      return block.type === "image" ? [imagePart(block)] : [];
    }),
  ];
  const tools = results.map((block) => ({
    role: "tool",
    tool_call_id: block.tool_use_id,
    content: block.content,
  }));
  if (parts.length === 0) return tools;
  const plain = parts.every((part) => part.type === "text");
  return [...tools, { role: "user", content: plain ? parts.map((part) => part.text).join("\n\n") : parts }];
}

function resultImages({ tool_use_id, images = [] }: ToolResultBlock): Json[] {
  if (images.length === 0) return [];
  return [textPart(`Images from the result of ${tool_use_id}:`), ...images.map(imagePart)];
}

function textPart(text: string): Json {
  return { type: "text", text };
}

function imagePart({ source }: ImageBlock): Json {
  return { type: "image_url", image_url: { url: `data:${source.media_type};base64,${source.data}` } };
}
