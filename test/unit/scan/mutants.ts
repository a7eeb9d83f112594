/** Mutants of the shared fixtures that mean the same: members shuffled, blanks, escapes, cuts, and decoys put in. */
import { fixtures, type TapFixture } from "./fixtures.ts";
import { pick, type Random, writeWild } from "./wild-json.ts";
import { breakAtComma, splitEvents } from "./wild-stream.ts";

type Members = Record<string, unknown>;

const JSON_BLANKS = [" ", "\n", "\t", "\r\n  "];
const EVENT_BLANKS = [" ", "\t", "   "];

/** Fixtures whose body is JSON, or events of JSON. */
export const mutable: readonly TapFixture[] = fixtures.filter(
  ({ body, sse }) => sse || isJson(new TextDecoder().decode(body)),
);

export function mutate({ body, sse, path }: TapFixture, random: Random): string {
  const text = new TextDecoder().decode(body).replace(/^\ufeff/, "");
  if (!sse)
    return (
      writeWild(plantDecoys(JSON.parse(text), path, random), random, JSON_BLANKS) +
      pick(["", "\n", " x"], random)
    );
  const end = pick(["\n", "\r\n", "\r"], random);
  const events = splitEvents(text).map(({ data, to }) => {
    const isOpen =
      !/[\r\n]$/.test(text.slice(0, to)) || !/(?:\n|\r|\r\n)(?:\r\n|\n|\r)$/.test(text.slice(0, to));
    const close = isOpen ? "" : end + end;
    if (data === undefined) return `: nothing${end}${end}`;
    if (!isJson(data)) return `data: ${data}${close}`;
    const written = writeWild(plantDecoys(JSON.parse(data), path, random), random, EVENT_BLANKS);
    const lines = random() < 0.1 ? breakAtComma(written) : [written];
    const comment = random() < 0.1 ? `: {"usage":{"prompt_tokens":1}}${end}` : "";
    return comment + lines.map((line) => `data: ${line}`).join(end) + close;
  });
  return events.join("");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const USAGE = {
  prompt_tokens: 999_999,
  completion_tokens: 888_888,
  total_tokens: 777_777,
  input_tokens: 666_666,
  output_tokens: 555_555,
  prompt_tokens_details: { cached_tokens: 4444 },
  cache_read_input_tokens: 3333,
};
const DECOYS: readonly (readonly [name: string, value: unknown])[] = [
  [
    "metadata",
    { usage: USAGE, model: "evil", response: { usage: USAGE, model: "evil" }, message: { usage: USAGE } },
  ],
  ["tools", [{ usage: USAGE, model: "evil", parameters: { properties: { usage: USAGE } } }]],
  ["Usage", USAGE],
  ["usage_", USAGE],
  ["tool_usage", { image_gen: USAGE, usage: USAGE }],
  ["note", '{"usage":{"prompt_tokens":1},"model":"evil"}'],
  ['quote"usage":{"prompt_tokens":3}', '\\"usage\\":'],
  ["prompt_tokens", 5],
  ["extra", [[{ usage: USAGE }], { error: { message: "no" } }]],
];
/** Places that are another wire's. */
const FOREIGN: readonly (readonly [end: string, name: string, value: unknown])[] = [
  ["/chat/completions", "response", { usage: USAGE, model: "evil" }],
  ["/chat/completions", "message", { usage: USAGE, model: "evil" }],
  ["/messages", "response", { usage: USAGE, model: "evil" }],
  ["/messages", "x_groq", { usage: USAGE }],
  ["/responses", "message", { usage: USAGE, model: "evil" }],
  ["/responses", "x_groq", { usage: USAGE }],
];

/** Decoys go to the root, into nested objects, and into the usage objects themselves. */
function plantDecoys(document: unknown, path: string, random: Random): unknown {
  const foreign = FOREIGN.filter(([end, name]) => path.endsWith(end) && !hasMember(document, name));
  const planted = plant(document, random, 0);
  if (!isMembers(planted) || foreign.length === 0 || random() < 0.6) return planted;
  const [, name, value] = pick(foreign, random);
  return { ...planted, [name]: value };
}

function plant(value: unknown, random: Random, depth: number): unknown {
  if (Array.isArray(value)) return value.map((item) => plant(item, random, depth + 1));
  if (!isMembers(value)) return value;
  const members: Members = {};
  for (const [name, member] of Object.entries(value)) members[name] = plant(member, random, depth + 1);
  if (random() < (depth === 0 ? 0.4 : 0.1)) {
    const [name, decoy] = pick(DECOYS, random);
    // A token count is only a decoy where it is not looked for.
    if (!(name in members) && !(name === "prompt_tokens" && depth > 0)) members[name] = decoy;
  }
  return members;
}

function hasMember(document: unknown, name: string): boolean {
  return isMembers(document) && name in document;
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
