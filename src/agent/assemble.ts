/** Puts the events of one stream together into an assistant message. */
import { isObject, type JsonObject, parseJson } from "./json.ts";
import type { Block, Message, StopReason, StreamEvent, Usage } from "./types.ts";
import { noUsage } from "./usage.ts";

/** One answer of a model. */
export interface Answer {
  readonly message: Message;
  readonly stop_reason: StopReason;
  readonly usage: Usage;
  /** Why a call cannot be run, by its id: its input was cut off or is no usable JSON. The block then holds `{}`. */
  readonly badInput: ReadonlyMap<string, string>;
}

export interface Assembler {
  push(event: StreamEvent): void;
  answer(): Answer;
  /** What may stay in the transcript of an answer that was stopped: its text, without calls and unfinished thinking. */
  partial(): Message;
}

type Draft =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string }
  | { type: "tool_use"; id: string; name: string; json: string };

/** `takenIds` are the call ids of the session so far: one that comes again is renamed, since providers refuse duplicates. */
export function createAssembler(modelId: string, takenIds: ReadonlySet<string>): Assembler {
  const drafts = new Map<number, Draft>();
  let usage = noUsage;
  let stopReason: StopReason = "other";

  function draft<K extends Draft["type"]>(
    index: number,
    fresh: Extract<Draft, { type: K }>,
  ): Extract<Draft, { type: K }> {
    const found = drafts.get(index);
    // Justified: `found.type === fresh.type` is exactly the narrowing that a generic K hides from the compiler.
    if (found?.type === fresh.type) return found as Extract<Draft, { type: K }>;
    drafts.set(index, fresh);
    return fresh;
  }

  function ordered(): Draft[] {
    return [...drafts].sort(([a], [b]) => a - b).map(([, block]) => block);
  }

  return {
    push(event) {
      switch (event.type) {
        case "text_delta":
          draft(event.index, { type: "text", text: "" }).text += event.text;
          break;
        case "thinking_delta":
          draft(event.index, { type: "thinking", thinking: "", signature: "" }).thinking += event.text;
          break;
        case "signature_delta":
          draft(event.index, { type: "thinking", thinking: "", signature: "" }).signature += event.signature;
          break;
        case "redacted_thinking":
          drafts.set(event.index, { type: "redacted_thinking", data: event.data });
          break;
        case "tool_use_start":
          drafts.set(event.index, { type: "tool_use", id: event.id, name: event.name, json: "" });
          break;
        case "input_json_delta":
          draft(event.index, { type: "tool_use", id: "", name: "", json: "" }).json += event.partial_json;
          break;
        case "usage": {
          const { type: _, ...counts } = event;
          usage = counts;
          break;
        }
        case "message_stop":
          stopReason = event.stop_reason;
          break;
      }
    },
    answer() {
      const badInput = new Map<string, string>();
      const ids = new Set(takenIds);
      const all = ordered();
      const content = all.map((block, position): Block => {
        if (block.type !== "tool_use") return block;
        const id = freshId(block.id, ids);
        const { input, problem } = readInput(block.json);
        const isLast = position === all.length - 1;
        const wasCut = stopReason === "max_tokens" && (isLast || problem !== undefined);
        const bad = wasCut ? cutOff : problem;
        if (bad !== undefined) badInput.set(id, bad);
        return { type: "tool_use", id, name: block.name, input };
      });
      return {
        message: { role: "assistant", content: content.filter(isSubstantial), model_id: modelId },
        stop_reason: stopReason,
        usage,
        badInput,
      };
    },
    partial() {
      const content = ordered().flatMap((block): Block[] => {
        if (block.type === "tool_use") return [];
        return block.type === "thinking" && block.signature === "" ? [] : [block];
      });
      // Thinking alone, without any text after it, is not worth keeping.
      const said = content.some((block) => block.type === "text" && block.text.trim() !== "");
      return { role: "assistant", content: said ? content : [], model_id: modelId };
    },
  };
}

const cutOff = "the call was cut off by the output token limit and did not run; make it smaller";
/** `JSON.stringify` is recursive and gives up a few thousand levels down; how far, depends on who calls it. */
const maxInputLevels = 500;

function readInput(json: string): { readonly input: JsonObject; readonly problem?: string } {
  const value = json.trim() === "" ? {} : parseJson(json);
  if (!isObject(value))
    return { input: {}, problem: `the input is not a JSON object: ${json.slice(0, 200)}` };
  if (hasLevelsBeyond(maxInputLevels, value))
    return { input: {}, problem: `the input is nested more than ${maxInputLevels} levels deep` };
  return { input: value };
}

function hasLevelsBeyond(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => hasLevelsBeyond(levels - 1, item));
}

function isSubstantial(block: Block): boolean {
  if (block.type === "text") return block.text !== "";
  return block.type !== "thinking" || block.thinking !== "" || block.signature !== "";
}

function freshId(given: string, ids: Set<string>): string {
  const stem = given || "call";
  let id = given || `${stem}_1`;
  for (let n = 2; ids.has(id); n++) id = `${stem}_${n}`;
  ids.add(id);
  return id;
}
