/** What a response says, read the plain way: JSON.parse of the whole, and members by name. */
import { splitEvents } from "./wild-stream.ts";

type Members = Record<string, unknown>;

export interface PlainReading {
  readonly model: string | undefined;
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead: number | undefined;
  readonly reasoning: number | undefined;
}

/** @param wire `other` has its usage at the root of documents and events alike */
export type PlainWire = "chat" | "responses" | "messages" | "other";

export function readPlainly(body: string, sse: boolean, wire: PlainWire): PlainReading {
  const documents = sse ? splitEvents(body).flatMap(({ data }) => parse(data)) : parse(firstDocument(body));
  let model: string | undefined;
  let usage: Members = {};
  for (const document of documents) {
    const at = (name: string) => membersOf(document[name]);
    const inner = wire === "responses" ? at("response") : wire === "messages" ? at("message") : document;
    const place = sse ? inner : document;
    const named = place.model;
    if (typeof named === "string" && named !== "") model = named;
    const blocks = [
      sse && wire === "responses" ? undefined : document.usage,
      sse && wire !== "chat" ? inner.usage : undefined,
      wire === "chat" ? at("x_groq").usage : undefined,
    ];
    for (const block of blocks) {
      if (
        !isMembers(block) ||
        !Object.keys(block).some((name) => /^(?:prompt|completion|input|output)_tokens$/.test(name))
      )
        continue;
      const kept = wire === "messages" ? withoutNulls(block) : block;
      usage = wire === "messages" ? { ...usage, ...kept } : kept;
    }
  }
  return { model, ...counts(usage, wire) };
}

function counts(usage: Members, wire: PlainWire): Omit<PlainReading, "model"> {
  const inputDetails = {
    ...membersOf(usage.prompt_tokens_details),
    ...membersOf(usage.input_tokens_details),
  };
  const outputDetails = {
    ...membersOf(usage.completion_tokens_details),
    ...membersOf(usage.output_tokens_details),
  };
  const cacheRead = firstNumber(
    inputDetails.cached_tokens,
    usage.cache_read_input_tokens,
    usage.prompt_cache_hit_tokens,
    usage.num_cached_tokens,
    usage.cached_tokens,
  );
  const written = firstNumber(usage.cache_creation_input_tokens) ?? 0;
  const input = firstNumber(usage.prompt_tokens, usage.input_tokens);
  const output = firstNumber(usage.completion_tokens, usage.output_tokens);
  const reasoning = firstNumber(outputDetails.reasoning_tokens, outputDetails.thinking_tokens);
  const isOutside = wire === "chat" && usage.total_tokens === (input ?? 0) + (output ?? 0) + (reasoning ?? 0);
  return {
    input: wire === "messages" && input !== undefined ? input + (cacheRead ?? 0) + written : input,
    output: output !== undefined && isOutside ? output + (reasoning ?? 0) : output,
    cacheRead,
    reasoning,
  };
}

/** A document with trailing bytes: the longest part of it that is JSON. */
function firstDocument(body: string): string {
  return body.slice(0, Math.max(body.lastIndexOf("}"), body.lastIndexOf("]")) + 1);
}

function parse(text: string | undefined): Members[] {
  try {
    const document: unknown = JSON.parse(text ?? "");
    return isMembers(document) ? [document] : [];
  } catch {
    return [];
  }
}

function firstNumber(...values: readonly unknown[]): number | undefined {
  return values.find((value) => typeof value === "number");
}

function withoutNulls(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {};
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
