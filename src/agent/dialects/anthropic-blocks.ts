/** What the starts and deltas of an Anthropic answer's blocks say, as pure functions. */
import { asObject, asString, type JsonObject } from "../json.ts";
import type { StreamEvent } from "../types.ts";

/** What a block's start says; undefined for a block that the agent has no use for (server tools). */
export function blockStart(index: number, block: JsonObject): StreamEvent[] | undefined {
  switch (block.type) {
    case "text":
      return block.text ? [{ type: "text_delta", index, text: String(block.text) }] : [];
    case "thinking":
      return block.thinking ? [{ type: "thinking_delta", index, text: String(block.thinking) }] : [];
    case "redacted_thinking":
      return [{ type: "redacted_thinking", index, data: asString(block.data) ?? "" }];
    case "tool_use":
      return toolUseStart(index, block);
    default:
      return undefined;
  }
}

function toolUseStart(index: number, block: JsonObject): StreamEvent[] {
  const id = asString(block.id) ?? "";
  const name = asString(block.name) ?? "";
  const begin: StreamEvent = { type: "tool_use_start", index, id, name };
  // Some Messages-compatible providers put the whole input here and send no delta.
  const input = asObject(block.input);
  if (!input || Object.keys(input).length === 0) return [begin];
  return [begin, { type: "input_json_delta", index, partial_json: JSON.stringify(input) }];
}

/** Nothing for an empty delta, or for one of a type that is not known. */
export function blockDelta(index: number, delta: JsonObject): StreamEvent[] {
  const { type, text, thinking, signature, partial_json } = delta;
  if (type === "text_delta" && text) return [{ type, index, text: String(text) }];
  if (type === "thinking_delta" && thinking) return [{ type, index, text: String(thinking) }];
  if (type === "signature_delta" && signature) return [{ type, index, signature: String(signature) }];
  if (type === "input_json_delta" && partial_json) {
    return [{ type, index, partial_json: String(partial_json) }];
  }
  return [];
}
