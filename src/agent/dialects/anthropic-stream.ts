/** Decodes an Anthropic Messages stream (platform.claude.com/docs, "Streaming messages"). */
import { ModelError } from "../errors.ts";
import { asObject, asString, type JsonObject } from "../json.ts";
import type { StopReason, StreamEvent, Usage } from "../types.ts";
import { count, noUsage } from "../usage.ts";
import type { StreamDecoder } from "./dialect.ts";
import { parseEvent } from "./error-body.ts";

const stopReasons = new Map<string, StopReason>([
  ["end_turn", "end_turn"],
  ["tool_use", "tool_use"],
  ["max_tokens", "max_tokens"],
  ["model_context_window_exceeded", "max_tokens"],
  ["stop_sequence", "stop_sequence"],
  ["refusal", "refusal"],
]);

export function createAnthropicDecoder(): StreamDecoder {
  let usage = noUsage;
  let stopReason: StopReason = "other";
  let done = false;
  /** Blocks of a type that the agent has no use for (server tools) are left out, and so are their deltas. */
  const open = new Set<number>();

  function start(event: JsonObject): StreamEvent[] {
    const index = indexOf(event);
    const block = asObject(event.content_block) ?? {};
    switch (block.type) {
      case "text":
        open.add(index);
        return block.text ? [{ type: "text_delta", index, text: String(block.text) }] : [];
      case "thinking":
        open.add(index);
        return block.thinking ? [{ type: "thinking_delta", index, text: String(block.thinking) }] : [];
      case "redacted_thinking":
        open.add(index);
        return [{ type: "redacted_thinking", index, data: asString(block.data) ?? "" }];
      case "tool_use": {
        open.add(index);
        const begin: StreamEvent = {
          type: "tool_use_start",
          index,
          id: asString(block.id) ?? "",
          name: asString(block.name) ?? "",
        };
        // Some Messages-compatible providers put the whole input here and send no delta.
        const input = asObject(block.input);
        if (!input || Object.keys(input).length === 0) return [begin];
        return [begin, { type: "input_json_delta", index, partial_json: JSON.stringify(input) }];
      }
      default:
        return [];
    }
  }

  function delta(event: JsonObject): StreamEvent[] {
    const index = indexOf(event);
    if (!open.has(index)) return [];
    const change = asObject(event.delta) ?? {};
    switch (change.type) {
      case "text_delta":
        return change.text ? [{ type: "text_delta", index, text: String(change.text) }] : [];
      case "thinking_delta":
        return change.thinking ? [{ type: "thinking_delta", index, text: String(change.thinking) }] : [];
      case "signature_delta":
        return change.signature
          ? [{ type: "signature_delta", index, signature: String(change.signature) }]
          : [];
      case "input_json_delta":
        return change.partial_json
          ? [{ type: "input_json_delta", index, partial_json: String(change.partial_json) }]
          : [];
      default:
        return [];
    }
  }

  function takeUsage(value: unknown): StreamEvent[] {
    const block = asObject(value);
    if (!block) return [];
    usage = mergeUsage(usage, block);
    return [{ type: "usage", ...usage }];
  }

  return {
    get done() {
      return done;
    },
    push({ data }) {
      if (done || data === "[DONE]") return [];
      const event = parseEvent(data);
      switch (event.type) {
        case "message_start":
          return [{ type: "message_start" }, ...takeUsage(asObject(event.message)?.usage)];
        case "content_block_start":
          return start(event);
        case "content_block_delta":
          return delta(event);
        case "content_block_stop": {
          const index = indexOf(event);
          return open.delete(index) ? [{ type: "content_block_stop", index }] : [];
        }
        case "message_delta": {
          const reason = asString(asObject(event.delta)?.stop_reason);
          if (reason) stopReason = stopReasons.get(reason) ?? "other";
          return takeUsage(event.usage);
        }
        case "message_stop":
          done = true;
          return [{ type: "message_stop", stop_reason: stopReason }];
        default:
          return [];
      }
    },
  };
}

function indexOf(event: JsonObject): number {
  const index = count(event.index);
  if (index === undefined) {
    throw new ModelError("bad_stream", "a content block event has no index", { retryable: true });
  }
  return index;
}

/** Later counts replace earlier ones member by member; a null or absent member keeps what was there. */
function mergeUsage(before: Usage, block: JsonObject): Usage {
  return {
    input_tokens: count(block.input_tokens) ?? before.input_tokens,
    output_tokens: count(block.output_tokens) ?? before.output_tokens,
    cache_read_tokens: count(block.cache_read_input_tokens) ?? before.cache_read_tokens,
    cache_write_tokens: count(block.cache_creation_input_tokens) ?? before.cache_write_tokens,
    cache_write_1h_tokens:
      count(asObject(block.cache_creation)?.ephemeral_1h_input_tokens) ?? before.cache_write_1h_tokens,
    reasoning_tokens:
      count(asObject(block.output_tokens_details)?.thinking_tokens) ?? before.reasoning_tokens,
  };
}
