/** The wires that responses are read as: where each has its facts, its text and its end. Data; nothing below asks for a name. */
import { compilePaths, type PathRule, type PathTrie, type Want } from "./json-paths.ts";
import { type CountingRules, USAGE_MEMBERS } from "./usage-block.ts";

/** What a response says at a place, whatever the wire. Numbers from `USAGE_MEMBER` on are members of a usage block. */
export const MODEL = 0;
export const RESPONSE_ID = 1;
export const SERVICE_TIER = 2;
export const TYPE = 3;
export const OBJECT = 4;
export const ERROR = 5;
export const CHOICES = 6;
export const CHOICE = 7;
/** The usage block at the root of a document or event. */
export const USAGE = 8;
/** A usage block elsewhere. */
export const INNER_USAGE = 9;
export const USAGE_TIER = 10;
export const ROOT = 11;
/** Generated text. A `…_TWIN` may repeat the text of its pair under another name; `DELTA` may be base64. */
export const TEXT = 12;
const TEXT_TWIN = 13;
const REASONING = 14;
const REASONING_TWIN = 15;
const DELTA = 16;
export const USAGE_MEMBER = 32;

export interface Wire extends CountingRules {
  readonly json: PathTrie;
  readonly sse: PathTrie;
  /** Blocks of one response are merged member by member, and only a root block is the last word (Anthropic). */
  readonly mergesUsage: boolean;
  /** A stream of this wire is complete after `data: [DONE]`. */
  readonly endsWithDone: boolean;
  /** A stream is complete after an event whose `type` this matches. */
  readonly endingType: RegExp | undefined;
}

const FACTS: readonly PathRule[] = [
  { path: "", slot: ROOT, wants: ["value"] },
  { path: "model", slot: MODEL, wants: ["string"] },
  { path: "id", slot: RESPONSE_ID, wants: ["string"] },
  { path: "service_tier", slot: SERVICE_TIER, wants: ["string"] },
  { path: "type", slot: TYPE, wants: ["string"] },
  { path: "object", slot: OBJECT, wants: ["string"] },
  { path: "error", slot: ERROR, wants: ["value", "scalar"] },
];

const CHAT_FACTS: readonly PathRule[] = [
  ...FACTS,
  ...usageAt("usage", USAGE),
  ...usageAt("x_groq.usage", INNER_USAGE),
  { path: "choices", slot: CHOICES, wants: ["value"] },
  { path: "choices[]", slot: CHOICE, wants: ["value"] },
];

const CHAT_TEXT = ["message", "delta"].flatMap((part) => [
  ...textAt(
    ["content", "content[].text", "content[].thinking[].text", "refusal", "audio.transcript"],
    `choices[].${part}.`,
  ),
  ...textAt(["function_call.name", "function_call.arguments"], `choices[].${part}.`),
  ...textAt(["function.name", "function.arguments"], `choices[].${part}.tool_calls[].`),
  { path: `choices[].${part}.reasoning_content`, slot: REASONING, wants: ["text"] as const },
  { path: `choices[].${part}.reasoning`, slot: REASONING_TWIN, wants: ["text"] as const },
]);

/** The text of legacy completions. Together repeats the text of chat deltas there. */
const CHOICE_TEXT: PathRule = { path: "choices[].text", slot: TEXT_TWIN, wants: ["text"] };

const ERRORS = FACTS.filter(({ slot }) => slot >= TYPE);

const AS_COUNTED: CountingRules = { inputExcludesCache: false, outputMayExcludeReasoning: false };

const chatWire = once(() => {
  const trie = compilePaths([...CHAT_FACTS, ...CHAT_TEXT, CHOICE_TEXT]);
  return {
    ...AS_COUNTED,
    outputMayExcludeReasoning: true,
    json: trie,
    sse: trie,
    mergesUsage: false,
    endsWithDone: true,
    endingType: undefined,
  };
});

const responsesWire = once(() => ({
  ...AS_COUNTED,
  json: compilePaths([
    ...FACTS,
    ...usageAt("usage", USAGE),
    ...textAt(
      [
        "content[].text",
        "content[].refusal",
        "content[].transcript",
        "summary[].text",
        "arguments",
        "input",
        "code",
      ],
      "output[].",
    ),
  ]),
  sse: compilePaths([
    ...ERRORS,
    { path: "response.model", slot: MODEL, wants: ["string"] },
    { path: "response.id", slot: RESPONSE_ID, wants: ["string"] },
    { path: "response.service_tier", slot: SERVICE_TIER, wants: ["string"] },
    { path: "delta", slot: DELTA, wants: ["text"] },
    ...usageAt("response.usage", INNER_USAGE),
  ]),
  mergesUsage: false,
  endsWithDone: false,
  endingType: /^response\.(?:completed|incomplete|failed)$/,
}));

const messagesWire = once(() => ({
  inputExcludesCache: true,
  outputMayExcludeReasoning: false,
  json: compilePaths([
    ...FACTS,
    ...usageAt("usage", USAGE),
    ...textAt(["content[].text", "content[].thinking"]),
    { path: "content[].input", slot: TEXT, wants: ["text", "texts"] },
  ]),
  sse: compilePaths([
    ...ERRORS,
    { path: "message.model", slot: MODEL, wants: ["string"] },
    { path: "message.id", slot: RESPONSE_ID, wants: ["string"] },
    ...usageAt("message.usage", INNER_USAGE),
    ...usageAt("usage", USAGE),
    ...textAt(["text", "thinking", "partial_json"], "delta."),
  ]),
  mergesUsage: true,
  endsWithDone: false,
  endingType: /^message_stop$/,
}));

/** Embeddings, rerank, moderations, audio, images, and whatever a config lets through. */
const otherWire = once(() => ({
  ...AS_COUNTED,
  json: compilePaths([...FACTS, ...usageAt("usage", USAGE), ...textAt(["text"])]),
  sse: compilePaths([...FACTS, ...usageAt("usage", USAGE), { path: "delta", slot: DELTA, wants: ["text"] }]),
  mergesUsage: false,
  endsWithDone: true,
  endingType: /\.(?:done|completed)$/,
}));

/** `count_tokens` and the like answer with a count that was not spent. */
const countWire = once(() => {
  const trie = compilePaths(ERRORS);
  return { ...otherWire(), json: trie, sse: trie };
});

const BY_PATH: readonly (readonly [RegExp, () => Wire])[] = [
  [/\/(?:messages\/count_tokens|responses\/input_tokens)$/, countWire],
  [/\/messages$/, messagesWire],
  [/\/responses(?:\/compact)?$/, responsesWire],
  [/\/completions$/, chatWire],
];

/** @param path as sent to the provider; a query is ignored */
export function wireOf(path: string): Wire {
  const bare = path.replace(/\?.*$/s, "").replace(/\/+$/, "");
  const wire = BY_PATH.find(([pattern]) => pattern.test(bare))?.[1] ?? otherWire;
  return wire();
}

/** A wire is compiled when a response is first read as it: all of them would take milliseconds of a cold start. */
function once(compile: () => Wire): () => Wire {
  let wire: Wire | undefined;
  return () => {
    wire ??= compile();
    return wire;
  };
}

function textAt(paths: readonly string[], prefix = ""): PathRule[] {
  return paths.map((path) => ({ path: prefix + path, slot: TEXT, wants: ["text"] }));
}

function usageAt(path: string, slot: number): PathRule[] {
  const wants: readonly Want[] = ["value", "scalar"];
  return [
    { path, slot, wants: ["value", "scalar", "span"] },
    { path: `${path}.service_tier`, slot: USAGE_TIER, wants: ["string"] },
    ...USAGE_MEMBERS.map(([member], i) => ({ path: `${path}.${member}`, slot: USAGE_MEMBER + i, wants })),
  ];
}
