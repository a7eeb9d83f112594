/** Decodes an Anthropic Messages stream (platform.claude.com/docs, "Streaming messages"). */
import { ModelError } from "../errors.ts";
import { asObject, asString, type JsonObject } from "../json.ts";
import type { SseEvent } from "../sse-reader.ts";
import type { StopReason, StreamEvent } from "../types.ts";
import { count, noUsage } from "../usage.ts";
import { blockDelta, blockStart } from "./anthropic-blocks.ts";
import { mergeUsage } from "./anthropic-usage.ts";
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

export class AnthropicDecoder implements StreamDecoder {
  done = false;
  #usage = noUsage;
  #stopReason: StopReason = "other";
  /** Blocks under way. One that is left out is not among them, so that its deltas and its end are left out too. */
  readonly #open = new Set<number>();

  push({ data }: SseEvent): StreamEvent[] {
    if (this.done || data === "[DONE]") return [];
    const event = parseEvent(data);
    switch (event.type) {
      case "message_start":
        return [{ type: "message_start" }, ...this.#takeUsage(asObject(event.message)?.usage)];
      case "content_block_start":
        return this.#start(indexOf(event), asObject(event.content_block) ?? {});
      case "content_block_delta":
        return this.#delta(indexOf(event), asObject(event.delta) ?? {});
      case "content_block_stop":
        return this.#stop(indexOf(event));
      case "message_delta":
        this.#takeStopReason(asObject(event.delta)?.stop_reason);
        return this.#takeUsage(event.usage);
      case "message_stop":
        this.done = true;
        return [{ type: "message_stop", stop_reason: this.#stopReason }];
      default:
        return [];
    }
  }

  #start(index: number, block: JsonObject): StreamEvent[] {
    const events = blockStart(index, block);
    if (!events) return [];
    this.#open.add(index);
    return events;
  }

  #delta(index: number, delta: JsonObject): StreamEvent[] {
    return this.#open.has(index) ? blockDelta(index, delta) : [];
  }

  #stop(index: number): StreamEvent[] {
    return this.#open.delete(index) ? [{ type: "content_block_stop", index }] : [];
  }

  #takeStopReason(value: unknown): void {
    const reason = asString(value);
    if (reason) this.#stopReason = stopReasons.get(reason) ?? "other";
  }

  #takeUsage(value: unknown): StreamEvent[] {
    const block = asObject(value);
    if (!block) return [];
    this.#usage = mergeUsage(this.#usage, block);
    return [{ type: "usage", ...this.#usage }];
  }
}

function indexOf(event: JsonObject): number {
  const index = count(event.index);
  if (index === undefined) {
    throw new ModelError("bad_stream", "a content block event has no index", { retryable: true });
  }
  return index;
}
