/** What the Anthropic Messages API refuses. */
import type { IncomingHttpHeaders } from "node:http";
import { first, firstOf, isJson, type Json, list, type Problem, unknownMember } from "./strict-json.ts";

const rootMembers = [
  "model",
  "max_tokens",
  "messages",
  "system",
  "stream",
  "tools",
  "thinking",
  "output_config",
];

const blockMembers: Readonly<Record<string, readonly string[]>> = {
  text: ["type", "text", "cache_control"],
  thinking: ["type", "thinking", "signature"],
  redacted_thinking: ["type", "data"],
  tool_use: ["type", "id", "name", "input", "cache_control"],
  tool_result: ["type", "tool_use_id", "content", "is_error", "cache_control"],
  image: ["type", "source", "cache_control"],
};
const rolesOf: Readonly<Record<string, readonly string[]>> = {
  assistant: ["text", "thinking", "redacted_thinking", "tool_use"],
  user: ["text", "image", "tool_result"],
};

export function problemWithMessages(body: Json, headers: IncomingHttpHeaders): Problem {
  const messages = list(body.messages);
  return first(
    headers["anthropic-version"] === "2023-06-01" ? undefined : "anthropic-version: header is required",
    headers["x-api-key"] || headers.authorization ? undefined : "x-api-key header is required",
    unknownMember(body, rootMembers, "root"),
    typeof body.max_tokens === "number" && body.max_tokens > 0 ? undefined : "max_tokens: Field required",
    messages.length > 0 ? undefined : "messages: at least one message is required",
    messages[0]?.role === "user" ? undefined : "messages: first message must use the user role",
    firstOf(messages, (message, index) => problemWithMessage(message, messages, index)),
    firstOf(list(body.tools), problemWithTool),
    problemWithThinking(body, messages),
    cacheMarks(body) <= 4 ? undefined : "A maximum of 4 blocks with cache_control may be provided",
  );
}

function problemWithTool(tool: Json, index: number): Problem {
  const where = `tools.${index}`;
  return first(
    unknownMember(tool, ["name", "description", "input_schema", "cache_control"], where),
    isJson(tool.input_schema) && tool.input_schema.type === "object"
      ? undefined
      : `${where}.input_schema.type: Field required`,
  );
}

function problemWithMessage(message: Json, all: readonly Json[], index: number): Problem {
  const where = `messages.${index}`;
  const blocks = list(message.content);
  const role = String(message.role);
  if (index > 0 && all[index - 1]?.role === role) return `${where}: roles must alternate`;
  return first(
    unknownMember(message, ["role", "content"], where),
    role in rolesOf ? undefined : `${where}.role: Input should be 'user' or 'assistant'`,
    blocks.length > 0 ? undefined : `${where}.content: all messages must have non-empty content`,
    firstOf(blocks, (block, at) => problemWithBlock(block, role, `${where}.content.${at}`)),
    role === "assistant"
      ? problemWithCalls(blocks, all[index + 1], where)
      : problemWithResults(blocks, all[index - 1], where),
  );
}

function problemWithBlock(block: Json, role: string, where: string): Problem {
  const type = String(block.type);
  const known = blockMembers[type];
  if (!known || !rolesOf[role]?.includes(type)) return `${where}: unexpected block ${type}`;
  const extra = unknownMember(block, known, where);
  if (extra) return extra;
  if (type === "text" && !String(block.text).trim())
    return `${where}: text content blocks must contain non-whitespace text`;
  if (type === "thinking" && block.signature !== expectedSignature(block))
    return `${where}: Invalid \`signature\` in \`thinking\` block`;
  if (type === "tool_use" && !/^[a-zA-Z0-9_-]+$/.test(String(block.id)))
    return `${where}.id: String should match pattern`;
  if (type === "tool_use" && !isJson(block.input))
    return `${where}.input: Input should be a valid dictionary`;
  if (type === "tool_use" && !/^[a-zA-Z0-9_-]{1,200}$/.test(String(block.name)))
    return `${where}.name: String should match pattern`;
  if (type === "tool_result") return problemWithResultContent(block, where);
  return undefined;
}

/** As `signatureOf` in strict-provider.ts. */
function expectedSignature(block: Json): string {
  return `sig-${Buffer.from(String(block.thinking)).toString("base64url")}`;
}

function problemWithResultContent(block: Json, where: string): Problem {
  if (typeof block.content === "string") return undefined;
  return firstOf(list(block.content), (part, at) => {
    if (part.type === "image")
      return block.is_error ? `${where}: all content must be type text if is_error` : undefined;
    return part.type === "text" && String(part.text).trim()
      ? undefined
      : `${where}.content.${at}: text is empty`;
  });
}

function problemWithCalls(blocks: readonly Json[], next: Json | undefined, where: string): Problem {
  const ids = blocks.filter((block) => block.type === "tool_use").map((block) => block.id);
  if (new Set(ids).size < ids.length) return `${where}: \`tool_use\` ids must be unique`;
  const answered = new Set(list(next?.content).map((block) => block.tool_use_id));
  const missing = ids.find((id) => !answered.has(id));
  return missing === undefined
    ? undefined
    : `${where}: \`tool_use\` id ${missing} was found without \`tool_result\` after`;
}

function problemWithResults(blocks: readonly Json[], before: Json | undefined, where: string): Problem {
  const called = list(before?.content)
    .filter((block) => block.type === "tool_use")
    .map((block) => block.id);
  const results = blocks.filter((block) => block.type === "tool_result").map((block) => block.tool_use_id);
  const stray = results.find((id) => !called.includes(id));
  if (stray !== undefined) return `${where}: unexpected \`tool_use_id\` ${stray} in \`tool_result\``;
  if (new Set(results).size < results.length) return `${where}: each tool_use must have a single result`;
  if (results.join() !== called.join()) return `${where}: tool results out of order`;
  const firstOther = blocks.findIndex((block) => block.type !== "tool_result");
  const lastResult = blocks.findLastIndex((block) => block.type === "tool_result");
  return firstOther >= 0 && firstOther < lastResult
    ? `${where}: tool_result blocks must come first`
    : undefined;
}

function problemWithThinking(body: Json, messages: readonly Json[]): Problem {
  if (!isJson(body.thinking)) return undefined;
  const budget = Number(body.thinking.budget_tokens);
  if (!(budget >= 1024)) return "thinking.budget_tokens: should be at least 1024";
  if (budget >= Number(body.max_tokens)) return "`max_tokens` must be greater than `thinking.budget_tokens`";
  const last = messages.findLast((message) => message.role === "assistant");
  const blocks = list(last?.content);
  const open = last === messages.at(-2) && blocks.some((block) => block.type === "tool_use");
  const begins = blocks[0]?.type === "thinking" || blocks[0]?.type === "redacted_thinking";
  return open && !begins ? "Expected `thinking` or `redacted_thinking`, but found another block" : undefined;
}

function cacheMarks(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + cacheMarks(item), 0);
  if (!isJson(value)) return 0;
  const own = "cache_control" in value ? 1 : 0;
  return Object.values(value).reduce<number>((sum, item) => sum + cacheMarks(item), own);
}
