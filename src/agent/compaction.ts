/** Makes room in the context window: when, where to cut, and what the model is asked to write down. */
import { estimateMessage, estimateMessages } from "./estimate.ts";
import type { Block, Message } from "./types.ts";

/** Room that is left for the answer and for the error of the estimate. */
const reservedTokens = 16_384;
/** About how much of the end stays word for word. */
const keptTokens = 20_000;
/** How much of one tool call or result goes into the text that is summarised. */
const maxResultChars = 2_000;

export function isCompactionDue(tokens: number, contextWindow: number): boolean {
  return tokens > usableTokens(contextWindow);
}

/** Half of a window that is smaller than the reserve. */
function usableTokens(contextWindow: number): number {
  return contextWindow > reservedTokens ? contextWindow - reservedTokens : contextWindow / 2;
}

/**
 * How many messages to summarise. The cut is before an assistant message, so that no result is parted from its call, and
 * leaves about 20,000 tokens after it, or the last turn if that is larger. A last turn that takes more than half of the
 * usable window is summarised too: then nothing stays but a question that still waits for its answer. Undefined when
 * there is nothing to summarise.
 */
export function findCut(messages: readonly Message[], contextWindow: number): number | undefined {
  const usable = usableTokens(contextWindow);
  const room = Math.min(keptTokens, usable / 2);
  let kept = 0;
  let cut: number | undefined;
  for (let at = messages.length - 1; at > 0; at--) {
    kept += estimateMessage(messages[at]!);
    if (kept > room && cut !== undefined) break;
    if (messages[at]!.role === "assistant") cut = at;
  }
  if (cut !== undefined && estimateMessages(messages.slice(cut)) <= usable / 2) return cut;
  const all = hasOpenQuestion(messages) ? messages.length - 1 : messages.length;
  return all > 0 ? all : undefined;
}

function hasOpenQuestion(messages: readonly Message[]): boolean {
  const last = messages.at(-1);
  return last?.role === "user" && !last.content.some((block) => block.type === "tool_result");
}

const instructions = `Summarise the conversation below between a user and an assistant that works with tools, so that the assistant can go on with nothing but your summary. Use these headings:

## Goal
## Constraints and preferences
## Progress (done, under way)
## Decisions, and why
## Next steps
## Files read and changed

Keep exact paths, names, commands, error messages and numbers that are still needed. Write the summary and nothing else.`;

/** The one user message of the summarising call; `maxChars` keeps it within the window by leaving out the middle. */
export function summaryPrompt(messages: readonly Message[], maxChars: number): Message {
  const text = messages.map(renderMessage).join("\n\n");
  const half = Math.floor(maxChars / 2);
  const fitting =
    text.length <= maxChars
      ? text
      : `${text.slice(0, half)}\n\n[… left out …]\n\n${text.slice(text.length - half)}`;
  return {
    role: "user",
    content: [{ type: "text", text: `${instructions}\n\n<conversation>\n${fitting}\n</conversation>` }],
  };
}

/** The message that stands for everything before the cut. */
export function summaryMessage(summary: string): Message {
  const text = `<summary>\nThe conversation so far was summarised to save room:\n\n${summary.trim()}\n</summary>`;
  return { role: "user", content: [{ type: "text", text }] };
}

/** How many characters of conversation fit into the window beside the instructions and the summary, in any script. */
export function summaryChars(contextWindow: number): number {
  return Math.max(8_000, usableTokens(contextWindow) * 2);
}

function renderMessage(message: Message): string {
  return `[${message.role}]\n${message.content.map(renderBlock).join("\n")}`;
}

function renderBlock(block: Block): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "thinking":
    case "redacted_thinking":
      return "[thinking]";
    case "tool_use":
      return `[call ${block.name} ${shorten(JSON.stringify(block.input))}]`;
    case "tool_result":
      return `[${block.is_error ? "error" : "result"}: ${shorten(block.content)}]`;
    case "image":
      return "[image]";
  }
}

function shorten(text: string): string {
  return text.length <= maxResultChars
    ? text
    : `${text.slice(0, maxResultChars)} [… ${text.length} characters]`;
}
