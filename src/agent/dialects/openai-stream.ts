/** Decodes an OpenAI chat-completions stream, and the liberties that its many speakers take. */
import { ModelError } from "../errors.ts";
import { asArray, asObject, asString, type JsonObject } from "../json.ts";
import type { SseEvent } from "../sse-reader.ts";
import type { StopReason, StreamEvent, Usage } from "../types.ts";
import type { StreamDecoder } from "./dialect.ts";
import { inBandError, parseEvent } from "./error-body.ts";
import { OpenAiBlocks } from "./openai-blocks.ts";
import { chunkUsage } from "./openai-usage.ts";

const stopReasons = new Map<string, StopReason>([
  ["stop", "end_turn"],
  ["length", "max_tokens"],
  ["model_length", "max_tokens"],
  ["tool_calls", "tool_use"],
  ["function_call", "tool_use"],
  ["content_filter", "refusal"],
]);

export class OpenAiDecoder implements StreamDecoder {
  done = false;
  readonly #blocks = new OpenAiBlocks();
  #started = false;
  #finish: string | undefined;
  #refused = false;
  /** Reported at the end: it may come after `finish_reason`. */
  #usage: Usage | undefined;

  push({ event, data }: SseEvent): StreamEvent[] {
    if (this.done) return [];
    if (data === "[DONE]") return [...this.#end()];
    const chunk = parseEvent(data);
    if (event === "error")
      throw inBandError({ error: chunk }) ?? new ModelError("upstream_error", "error event");
    return [...this.#chunk(chunk)];
  }

  *#chunk(chunk: JsonObject): Generator<StreamEvent> {
    if (!this.#started) yield { type: "message_start" };
    this.#started = true;
    for (const item of asArray(chunk.choices)) {
      const choice = asObject(item);
      // One answer was asked for: if several come, the others are left out.
      if (!choice || (choice.index ?? 0) !== 0) continue;
      yield* this.#delta(asObject(choice.delta) ?? {});
      this.#finish = asString(choice.finish_reason) ?? this.#finish;
    }
    this.#usage = chunkUsage(chunk) ?? this.#usage;
  }

  *#delta(delta: JsonObject): Generator<StreamEvent> {
    yield* this.#blocks.prose("thinking", reasoningOf(delta));
    yield* this.#content(delta.content);
    const refusal = asString(delta.refusal) ?? "";
    if (refusal !== "") this.#refused = true;
    yield* this.#blocks.prose("text", refusal);
    for (const [position, part] of asArray(delta.tool_calls).entries()) {
      const call = asObject(part);
      if (call) yield* this.#blocks.callPart(call, position);
    }
  }

  /** A string; from Mistral's reasoning models a list of parts. */
  *#content(content: unknown): Generator<StreamEvent> {
    yield* this.#blocks.prose("text", asString(content) ?? "");
    for (const item of asArray(content)) {
      const part = asObject(item);
      if (part?.type === "text") yield* this.#blocks.prose("text", asString(part.text) ?? "");
      if (part?.type !== "thinking") continue;
      for (const piece of asArray(part.thinking))
        yield* this.#blocks.prose("thinking", asString(asObject(piece)?.text) ?? "");
    }
  }

  *#end(): Generator<StreamEvent> {
    if (!this.#started)
      throw new ModelError("bad_stream", "the model's stream was empty", { retryable: true });
    this.done = true;
    yield* this.#blocks.end();
    if (this.#usage) yield { type: "usage", ...this.#usage };
    yield { type: "message_stop", stop_reason: this.#stopReason() };
  }

  #stopReason(): StopReason {
    if (this.#refused) return "refusal";
    const reason = this.#finish === undefined ? "end_turn" : (stopReasons.get(this.#finish) ?? "other");
    // Several providers say `stop` beside tool calls.
    return reason === "end_turn" && this.#blocks.hasCalls ? "tool_use" : reason;
  }
}

/** Each speaker has its own name for it; the first that is there counts. */
function reasoningOf(delta: JsonObject): string {
  const values = [delta.reasoning_content, delta.reasoning, delta.reasoning_text];
  return values.map(asString).find((text) => text) ?? "";
}
