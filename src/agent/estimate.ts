/** Rough token counts, for what no provider has counted yet. */
import type { Block, Message } from "./types.ts";

const charsPerToken = 4;
/** About what a full-size image costs, on either wire. */
const imageTokens = 1_600;
const messageTokens = 4;

function estimateText(text: string): number {
  return Math.ceil(text.length / charsPerToken);
}

export function estimateMessage(message: Message): number {
  return message.content.reduce((sum, block) => sum + estimateBlock(block), messageTokens);
}

export function estimateMessages(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + estimateMessage(message), 0);
}

function estimateBlock(block: Block): number {
  switch (block.type) {
    case "text":
      return estimateText(block.text);
    case "thinking":
      return estimateText(block.thinking);
    case "redacted_thinking":
      return estimateText(block.data);
    case "tool_use":
      return estimateText(block.name) + estimateText(JSON.stringify(block.input));
    case "tool_result":
      return estimateText(block.content) + (block.images?.length ?? 0) * imageTokens;
    case "image":
      return imageTokens;
  }
}
