/** What the OpenAI chat-completions API refuses. */
import type { IncomingHttpHeaders } from "node:http";
import { first, firstOf, isJson, type Json, list, type Problem, unknownMember } from "./strict-json.ts";

const rootMembers = ["model", "messages", "stream", "stream_options", "tools", "reasoning_effort"];
const messageMembers: Readonly<Record<string, readonly string[]>> = {
  system: ["role", "content"],
  user: ["role", "content"],
  assistant: ["role", "content", "tool_calls"],
  tool: ["role", "content", "tool_call_id"],
};

export function problemWithChat(body: Json, headers: IncomingHttpHeaders): Problem {
  const messages = list(body.messages);
  return first(
    headers.authorization?.startsWith("Bearer ") ? undefined : "You didn't provide an API key",
    unknownMember(body, rootMembers, "root"),
    messages.length > 0 ? undefined : "[] is too short - 'messages'",
    firstOf(messages, problemWithMessage),
    problemWithOrder(messages),
    firstOf(list(body.tools), problemWithTool),
  );
}

function problemWithTool(tool: Json, index: number): Problem {
  const where = `tools[${index}]`;
  const fn = isJson(tool.function) ? tool.function : {};
  return first(
    unknownMember(tool, ["type", "function"], where),
    tool.type === "function" ? undefined : `${where}.type: invalid`,
    unknownMember(fn, ["name", "description", "parameters"], `${where}.function`),
    /^[a-zA-Z0-9_-]{1,64}$/.test(String(fn.name)) ? undefined : `${where}.function.name: invalid`,
  );
}

function problemWithMessage(message: Json, index: number): Problem {
  const where = `messages[${index}]`;
  const known = messageMembers[String(message.role)];
  if (!known) return `${where}.role: invalid value`;
  const extra = unknownMember(message, known, where);
  if (extra) return extra;
  if (message.role === "assistant") return problemWithAssistant(message, where);
  if (typeof message.content === "string") return undefined;
  if (message.role !== "user") return `${where}.content: expected a string`;
  return firstOf(list(message.content), (part, at) => problemWithPart(part, `${where}.content[${at}]`));
}

function problemWithPart(part: Json, where: string): Problem {
  if (part.type === "text") return unknownMember(part, ["type", "text"], where);
  if (part.type !== "image_url" || !isJson(part.image_url)) return `${where}.type: invalid`;
  return String(part.image_url.url).startsWith("data:image/") ? undefined : `${where}: invalid image`;
}

function problemWithAssistant(message: Json, where: string): Problem {
  const calls = list(message.tool_calls);
  if ("tool_calls" in message && calls.length === 0) return `${where}.tool_calls: [] is too short`;
  if (message.content === null && calls.length === 0) return `${where}.content: expected a string, got null`;
  if (message.content === "") return `${where}.content: empty; want null`;
  return firstOf(calls, (call, at) => {
    const place = `${where}.tool_calls[${at}]`;
    const fn = isJson(call.function) ? call.function : {};
    return first(
      unknownMember(call, ["id", "type", "function"], place),
      unknownMember(fn, ["name", "arguments"], `${place}.function`),
      /^[a-zA-Z0-9_-]{1,64}$/.test(String(fn.name)) ? undefined : `${place}.function.name: invalid`,
      typeof fn.arguments === "string" ? undefined : `${place}.function.arguments: expected a string`,
    );
  });
}

/** Each tool message answers the next open call; nothing else may stand between a call and its answer. */
function problemWithOrder(messages: readonly Json[]): Problem {
  let open: unknown[] = [];
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (open[0] !== message.tool_call_id)
        return `messages[${index}]: 'tool' out of order, or without a preceding tool_calls`;
      open = open.slice(1);
      continue;
    }
    if (open.length > 0)
      return `messages[${index}]: tool_call_ids did not have response messages: ${open.join()}`;
    open = list(message.tool_calls).map((call) => call.id);
  }
  return open.length > 0 ? "tool_call_ids did not have response messages" : undefined;
}
