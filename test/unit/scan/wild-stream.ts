/** Random event streams of chat, responses and messages events, alike and not, and a plain reading of them. */
import { pick, type Random, writeWild } from "./wild-json.ts";

const TEXTS = [
  "Hello",
  " world",
  "",
  " \u00e9\u00e8",
  'a "quoted" one',
  "line\nbreak",
  "\u{1f680}",
  "\\",
  "data: x",
  '"usage":{"prompt_tokens":9},"choices":[]',
  "\ud83d",
  "x".repeat(70),
];

/**
 * One event's document, of the given wire. Most are alike but for their text.
 * @param usages the usage objects that run along in a chat stream, if any do
 */
export function createEvent(
  wire: "chat" | "responses" | "messages",
  random: Random,
  usages?: () => unknown,
): unknown {
  const text = pick(TEXTS, random);
  if (wire === "messages") {
    if (random() < 0.1) return { type: "ping" };
    const isText = random() < 0.8;
    return {
      type: "content_block_delta",
      index: random() < 0.9 ? 0 : 1,
      delta: isText ? { type: "text_delta", text } : { type: "thinking_delta", thinking: text },
    };
  }
  if (wire === "responses") {
    return {
      type: pick(
        ["response.output_text.delta", "response.output_text.delta", "response.audio.delta"],
        random,
      ),
      sequence_number: Math.floor(random() * 1000),
      item_id: "msg_1",
      delta: text,
      logprobs: [],
      obfuscation: pick(TEXTS, random),
    };
  }
  const delta = pick(
    [
      { content: text },
      { content: text },
      { reasoning: text, reasoning_content: text },
      { tool_calls: [{ index: 0, function: { arguments: text } }] },
    ],
    random,
  );
  const usage = { prompt_tokens: 5, completion_tokens: Math.floor(random() * 9), total_tokens: 14 };
  const isAnswer = random() < 0.08;
  return {
    id: random() < 0.97 ? "chatcmpl-1" : "chatcmpl-2",
    created: 1_768_640_420 + Math.floor(random() * 2),
    model: random() < 0.97 ? "gpt" : "gpt-b",
    choices: isAnswer ? [] : [{ index: random() < 0.9 ? 0 : 1, delta, logprobs: null, finish_reason: null }],
    ...(usages && random() < 0.95
      ? { usage: usages() }
      : isAnswer || random() < 0.05
        ? { usage }
        : random() < 0.9 && { usage: null }),
    ...(random() < 0.5 && { obfuscation: pick(TEXTS, random) }),
  };
}

const COUNTS = [0, 1, 20, 300, 4000, 50_000, 123_456_789_012_345];
/** What is no count, or not one that is read as it stands. */
const ODD_COUNTS = [null, 1.5, -1, "7", 1_234_567_890_123_456, 1e300, { a: 1 }, []];

/** Usage as providers send it that count along: mostly of one or two shapes. */
function createUsages(random: Random): () => unknown {
  const count = () => (random() < 0.96 ? pick(COUNTS, random) : pick(ODD_COUNTS, random));
  const shapes = Array.from({ length: 3 }, () =>
    ["completion_tokens", "total_tokens", "details", "tier", "other", "reasoning"].filter(
      () => random() < 0.6,
    ),
  );
  return () => {
    const shape = shapes[random() < 0.9 ? 0 : random() < 0.5 ? 1 : 2]!;
    const has = (member: string) => shape.includes(member);
    return {
      prompt_tokens: count(),
      ...(has("completion_tokens") && { completion_tokens: count() }),
      ...(has("total_tokens") && { total_tokens: count() }),
      ...(has("details") && { prompt_tokens_details: { text_tokens: count(), cached_tokens: count() } }),
      ...(has("reasoning") && { completion_tokens_details: { reasoning_tokens: count() } }),
      ...(has("tier") && { service_tier: random() < 0.95 ? "default" : "flex" }),
      ...(has("other") && { search_context_size: pick(TEXTS, random), cost: { total: count() } }),
    };
  };
}

/** A stream with one kind of line end, or all of them; mostly written plainly, as servers do. */
export function writeStream(wire: "chat" | "responses" | "messages", events: number, random: Random): string {
  const kinds = pick([["\n"], ["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]], random);
  const isWild = random() < 0.3;
  const usages = wire === "chat" && random() < 0.5 ? createUsages(random) : undefined;
  const lines: string[] = [];
  const end = () => pick(kinds, random);
  for (let i = 0; i < events; i++) {
    const event = createEvent(wire, random, usages);
    if (random() < 0.05) lines.push(`: keep-alive${end()}`, random() < 0.5 ? end() : "");
    if (wire !== "chat") lines.push(`event: ${pick(["delta", "other"], random)}${end()}`);
    const json = isWild ? writeWild(event, random, [" ", "  "]) : JSON.stringify(event);
    const padded =
      random() < 0.3 && json.endsWith("}")
        ? `${json.slice(0, -1)}${" ".repeat(Math.floor(random() * 5))}}`
        : json;
    const field = `data:${random() < 0.9 ? " " : ""}`;
    const parts = random() < 0.05 ? breakAtComma(padded) : [padded];
    for (const part of parts) lines.push(`${field}${part}${end()}`);
    if (random() < 0.03) lines.push(`id: 7${end()}`);
    lines.push(end());
  }
  if (random() < 0.7) lines.push(`data: [DONE]${end()}${end()}`);
  const stream = (random() < 0.05 ? "\ufeff" : "") + lines.join("");
  return random() < 0.8 ? stream : stream.slice(0, Math.floor(random() * stream.length));
}

/** The document on two lines, if its first comma stands outside strings. */
export function breakAtComma(json: string): string[] {
  const cut = json.indexOf(",") + 1;
  return cut > 0 && !inString(json, cut) ? [json.slice(0, cut), json.slice(cut)] : [json];
}

function inString(json: string, index: number): boolean {
  return (json.slice(0, index).replace(/\\./g, "").split('"').length - 1) % 2 === 1;
}

export interface PlainEvent {
  /** From the first line that is no comment to the blank line, both included. */
  readonly from: number;
  readonly to: number;
  readonly data: string | undefined;
}

/** Events by the book, from the whole text at once. */
export function splitEvents(stream: string): PlainEvent[] {
  const events: PlainEvent[] = [];
  let from = -1;
  let data: string[] = [];
  let at = stream.startsWith("\ufeff") ? 1 : 0;
  const finish = (to: number) => {
    if (from >= 0) events.push({ from, to, data: data.length > 0 ? data.join("\n") : undefined });
    from = -1;
    data = [];
  };
  for (const [line, content = ""] of stream.slice(at).matchAll(/([^\r\n]*)(?:\r\n|\r|\n)|[^\r\n]+$/g)) {
    const isLast = !/[\r\n]$/.test(line);
    const text = isLast ? line : content;
    if (text === "") finish(at + line.length);
    else if (!text.startsWith(":")) {
      if (from < 0) from = at;
      const field = /^data(?::(.*))?$/s.exec(text);
      if (field) data.push((field[1] ?? "").replace(/^ /, ""));
    }
    at += line.length;
  }
  finish(at);
  return events;
}

/** The event answers `include_usage`. */
export function isAnswer({ data }: PlainEvent): boolean {
  try {
    const event: { choices?: unknown; usage?: unknown } = JSON.parse(data ?? "");
    const { choices, usage } = event;
    const isObject = typeof usage === "object" && usage !== null && !Array.isArray(usage);
    return Array.isArray(choices) && choices.length === 0 && isObject;
  } catch {
    return false;
  }
}
