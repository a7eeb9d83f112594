/**
 * What the embedded model says: a deterministic echo, or a tool call when the user names a tool.
 *
 * - Text: `You said: ` and the last user text, cut at the token limit of the request.
 * - Tool call: the last turn is the user's and its text contains the name of an offered tool; the arguments hold each
 *   required property with a sample value of its type, strings holding the user's text.
 * - After a tool result: `The tool said: ` and the result.
 *
 * One word is one token, in the prompt and in the answer, so that anybody can count along.
 */
import { isObject, type JsonObject } from "./json.ts";

/** One turn of a conversation, whatever the wire. `tool` is a tool's result. */
export interface Turn {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly text: string;
}

/** A tool that the request offers. */
export interface Tool {
  readonly name: string;
  readonly schema: JsonObject;
}

/** A request, reduced to what the model looks at. */
export interface Prompt {
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  readonly maxTokens: number | undefined;
}

/** The answer, in tokens (each text delta is one word with the space before it). */
export interface Reply {
  readonly words: readonly string[];
  readonly toolCall: { readonly name: string; readonly arguments: string } | undefined;
  readonly truncated: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Answers a prompt; the same prompt always gets the same answer and the same counts. */
export function reply(prompt: Prompt): Reply {
  const inputTokens = prompt.turns.reduce((sum, turn) => sum + countWords(turn.text), 0);
  const last = prompt.turns.at(-1);
  const tool = last?.role === "user" ? prompt.tools.find(({ name }) => last.text.includes(name)) : undefined;
  if (tool !== undefined) {
    const toolCall = {
      name: tool.name,
      arguments: JSON.stringify(sampleArguments(tool.schema, last?.text ?? "")),
    };
    return {
      words: [],
      toolCall,
      truncated: false,
      inputTokens,
      outputTokens: 1 + countWords(toolCall.arguments),
    };
  }
  const all = splitWords(
    last?.role === "tool" ? `The tool said: ${last.text}` : `You said: ${lastUserText(prompt)}`,
  );
  const words = all.slice(0, prompt.maxTokens);
  return {
    words,
    toolCall: undefined,
    truncated: words.length < all.length,
    inputTokens,
    outputTokens: words.length,
  };
}

/** White-space separated words: the tokens of this model. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function splitWords(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

function lastUserText({ turns }: Prompt): string {
  return turns.findLast(({ role }) => role === "user")?.text ?? "nothing";
}

function sampleArguments(schema: JsonObject, text: string): JsonObject {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  return Object.fromEntries(required.map((name) => [name, sampleValue(properties[name], text)]));
}

function sampleValue(schema: unknown, text: string): unknown {
  if (!isObject(schema)) return text;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (schema.type === "object") return sampleArguments(schema, text);
  const samples: JsonObject = { number: 1, integer: 1, boolean: true, array: [], null: null };
  return typeof schema.type === "string" && schema.type in samples ? samples[schema.type] : text;
}
