/** Decodes an OpenAI chat-completions stream, and the liberties that its many speakers take. */
import { ModelError } from "../errors.ts";
import { asArray, asObject, asString, type JsonObject } from "../json.ts";
import type { StopReason, StreamEvent, Usage } from "../types.ts";
import { count, noUsage } from "../usage.ts";
import type { StreamDecoder } from "./dialect.ts";
import { inBandError, parseEvent } from "./error-body.ts";

const stopReasons = new Map<string, StopReason>([
  ["stop", "end_turn"],
  ["length", "max_tokens"],
  ["model_length", "max_tokens"],
  ["tool_calls", "tool_use"],
  ["function_call", "tool_use"],
  ["content_filter", "refusal"],
]);

type Prose = "text" | "thinking";

export function createOpenAiDecoder(): StreamDecoder {
  let started = false;
  let done = false;
  let usage: Usage | undefined;
  let finish: string | undefined;
  let refused = false;
  let nextBlock = 0;
  let prose: { kind: Prose; index: number } | undefined;
  /** By the wire's `index`; a second id at the same index (Gemini's compatibility wire) is another call. */
  const calls = new Map<number, { id: string; index: number }>();
  const openCalls: number[] = [];

  function closeProse(): StreamEvent[] {
    if (!prose) return [];
    const index = prose.index;
    prose = undefined;
    return [{ type: "content_block_stop", index }];
  }

  function say(kind: Prose, text: string): StreamEvent[] {
    if (text === "") return [];
    const out = prose?.kind === kind ? [] : closeProse();
    prose ??= { kind, index: nextBlock++ };
    out.push({ type: kind === "text" ? "text_delta" : "thinking_delta", index: prose.index, text });
    return out;
  }

  function callPart(part: JsonObject, position: number): StreamEvent[] {
    const at = count(part.index) ?? position;
    const fn = asObject(part.function) ?? {};
    const id = asString(part.id) ?? "";
    const name = asString(fn.name) ?? "";
    const partial_json = argumentsText(fn.arguments);
    const out: StreamEvent[] = [];
    let call = calls.get(at);
    if (!call || (id !== "" && call.id !== "" && id !== call.id)) {
      out.push(...closeProse());
      call = { id, index: nextBlock++ };
      calls.set(at, call);
      openCalls.push(call.index);
      out.push({ type: "tool_use_start", index: call.index, id, name });
    }
    if (partial_json) out.push({ type: "input_json_delta", index: call.index, partial_json });
    return out;
  }

  function delta(change: JsonObject): StreamEvent[] {
    const out: StreamEvent[] = [];
    const reasoning = [change.reasoning_content, change.reasoning, change.reasoning_text].find(
      (value) => typeof value === "string" && value !== "",
    );
    if (typeof reasoning === "string") out.push(...say("thinking", reasoning));
    if (typeof change.content === "string") out.push(...say("text", change.content));
    // Mistral's reasoning models send content as a list of parts.
    for (const part of asArray(change.content)) out.push(...contentPart(part));
    if (typeof change.refusal === "string" && change.refusal !== "") {
      refused = true;
      out.push(...say("text", change.refusal));
    }
    for (const [position, part] of asArray(change.tool_calls).entries()) {
      const call = asObject(part);
      if (call) out.push(...callPart(call, position));
    }
    return out;
  }

  function contentPart(value: unknown): StreamEvent[] {
    const part = asObject(value);
    if (part?.type === "text") return say("text", asString(part.text) ?? "");
    if (part?.type !== "thinking") return [];
    return asArray(part.thinking).flatMap((piece) => say("thinking", asString(asObject(piece)?.text) ?? ""));
  }

  function end(): StreamEvent[] {
    done = true;
    const out = closeProse();
    for (const index of openCalls) out.push({ type: "content_block_stop", index });
    if (usage) out.push({ type: "usage", ...usage });
    out.push({ type: "message_stop", stop_reason: stopReason() });
    return out;
  }

  function stopReason(): StopReason {
    if (refused) return "refusal";
    const reason = finish === undefined ? "end_turn" : (stopReasons.get(finish) ?? "other");
    // Several providers say `stop` beside tool calls.
    return reason === "end_turn" && openCalls.length > 0 ? "tool_use" : reason;
  }

  return {
    get done() {
      return done;
    },
    push({ event, data }) {
      if (done) return [];
      if (data === "[DONE]") {
        if (!started) throw new ModelError("bad_stream", "the model's stream was empty", { retryable: true });
        return end();
      }
      const chunk = parseEvent(data);
      if (event === "error")
        throw inBandError({ error: chunk }) ?? new ModelError("upstream_error", "error event");
      const out: StreamEvent[] = [];
      if (!started) {
        started = true;
        out.push({ type: "message_start" });
      }
      for (const item of asArray(chunk.choices)) {
        const choice = asObject(item);
        // Only one answer was asked for; a speaker of `n > 1` keeps its others.
        if (!choice || (choice.index ?? 0) !== 0) continue;
        out.push(...delta(asObject(choice.delta) ?? {}));
        finish = asString(choice.finish_reason) ?? finish;
      }
      const reported = asObject(chunk.usage) ?? asObject(asObject(chunk.x_groq)?.usage);
      if (reported) usage = readUsage(reported);
      return out;
    },
  };
}

/** Arguments are a JSON string on this wire; a speaker that sends the object itself is understood. */
function argumentsText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

/** Cached and written tokens stand inside `prompt_tokens`; reasoning inside `completion_tokens`, except where the total says otherwise (xAI). */
function readUsage(block: JsonObject): Usage {
  const promptDetails = asObject(block.prompt_tokens_details) ?? {};
  const prompt = count(block.prompt_tokens) ?? 0;
  const completion = count(block.completion_tokens) ?? 0;
  const total = count(block.total_tokens);
  const reasoning = count(asObject(block.completion_tokens_details)?.reasoning_tokens) ?? 0;
  const read =
    count(promptDetails.cached_tokens) ??
    count(block.prompt_cache_hit_tokens) ??
    count(block.cached_tokens) ??
    count(block.num_cached_tokens) ??
    0;
  const written = count(promptDetails.cache_write_tokens) ?? 0;
  const reasoningOutside = reasoning > 0 && total === prompt + completion + reasoning;
  return {
    ...noUsage,
    input_tokens: Math.max(0, prompt - read - written),
    output_tokens: reasoningOutside ? completion + reasoning : completion,
    cache_read_tokens: read,
    cache_write_tokens: written,
    reasoning_tokens: reasoning,
  };
}
