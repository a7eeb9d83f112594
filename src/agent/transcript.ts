/** Keeps a transcript in the form that every provider accepts, whatever interrupted it. */
import type { Block, Message, ToolResultBlock, ToolUseBlock } from "./types.ts";

export function toolCalls(message: Message): ToolUseBlock[] {
  return message.content.filter((block) => block.type === "tool_use");
}

/** A tool's name in the form that every provider accepts, even one that a model made up. */
export function wireName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unnamed";
}

/** The text of a message, its blocks joined. */
export function textOf(message: Message): string {
  return message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

/** The text of the last assistant message that has any, or undefined. */
export function lastAssistantText(messages: readonly Message[]): string | undefined {
  const last = messages.findLast((message) => message.role === "assistant" && textOf(message) !== "");
  return last && textOf(last);
}

export function errorResult(tool_use_id: string, content: string): ToolResultBlock {
  return { type: "tool_result", tool_use_id, content, is_error: true };
}

const interrupted = "The run was interrupted before this tool gave its result; it may have run in part.";

/** Results for calls that were left without one. */
export function interruptedResults(calls: readonly ToolUseBlock[]): Message {
  return { role: "user", content: calls.map((call) => errorResult(call.id, interrupted)) };
}

/**
 * The same conversation in the form that a provider accepts: no empty message, roles that alternate, and after each assistant
 * message one user message that begins with the results of all its calls, in call order. A call without a result gets
 * an error result; a result without a call is dropped.
 */
export function wellFormed(messages: readonly Message[]): Message[] {
  const out: Message[] = [];
  let pending: ToolUseBlock[] = [];
  for (const message of messages) {
    if (message.role === "assistant") {
      if (message.content.length === 0) continue;
      if (pending.length > 0) out.push(interruptedResults(pending));
      pending = toolCalls(message);
      push(out, message);
      continue;
    }
    const content = answer(pending, message.content);
    pending = [];
    if (content.length > 0) push(out, { role: "user", content });
  }
  if (pending.length > 0) out.push(interruptedResults(pending));
  return out;
}

/** Results first and in call order, then what else the user said. */
function answer(calls: readonly ToolUseBlock[], content: readonly Block[]): Block[] {
  const given = new Map<string, ToolResultBlock>();
  for (const block of content) if (block.type === "tool_result") given.set(block.tool_use_id, block);
  const results = calls.map((call) => given.get(call.id) ?? errorResult(call.id, interrupted));
  return [...results, ...content.filter((block) => block.type !== "tool_result")];
}

function push(out: Message[], message: Message): void {
  const last = out.at(-1);
  if (last?.role !== message.role) {
    out.push(message);
    return;
  }
  out[out.length - 1] = { ...last, content: [...last.content, ...message.content] };
}
