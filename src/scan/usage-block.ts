/** The members of a provider's usage object, and how they become the counts of a row. */

import type { JsonScalar } from "./json-handler.ts";

/** Counts as the row has them: input whole, output whole. A count that the provider did not report is absent. */
export interface UsageCounts {
  /** The whole prompt, cache reads and writes included. */
  readonly inputTokens?: number;
  /** Everything generated, reasoning included. */
  readonly outputTokens?: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly cacheWrite1hTokens?: number;
  readonly reasoningTokens?: number;
}

type Fact =
  | "input"
  | "output"
  | "total"
  | "cacheRead"
  | "cacheWrite"
  | "cacheWrite5m"
  | "cacheWrite1h"
  | "reasoning"
  | "seconds";

/**
 * Where each fact stands, below the usage object. Of several members for one fact the first that holds a count is
 * taken. Sources: the vendors' API references; docs/contracts/providers.md names the odd ones.
 */
export const USAGE_MEMBERS: readonly (readonly [path: string, fact: Fact])[] = [
  ["prompt_tokens", "input"],
  ["input_tokens", "input"],
  ["completion_tokens", "output"],
  ["output_tokens", "output"],
  ["total_tokens", "total"],
  ["prompt_tokens_details.cached_tokens", "cacheRead"],
  ["input_tokens_details.cached_tokens", "cacheRead"],
  ["cache_read_input_tokens", "cacheRead"],
  ["prompt_cache_hit_tokens", "cacheRead"],
  ["num_cached_tokens", "cacheRead"],
  ["cached_tokens", "cacheRead"],
  ["prompt_tokens_details.cache_write_tokens", "cacheWrite"],
  ["input_tokens_details.cache_write_tokens", "cacheWrite"],
  ["cache_creation_input_tokens", "cacheWrite"],
  ["cache_creation.ephemeral_5m_input_tokens", "cacheWrite5m"],
  ["cache_creation.ephemeral_1h_input_tokens", "cacheWrite1h"],
  ["completion_tokens_details.reasoning_tokens", "reasoning"],
  ["output_tokens_details.reasoning_tokens", "reasoning"],
  ["output_tokens_details.thinking_tokens", "reasoning"],
  ["seconds", "seconds"],
];

/** Values by the index of their member: `undefined` if it did not come, NaN if it was no count. */
export type UsageValues = (number | null | undefined)[];

/** How a wire's counts relate to the row's. */
export interface CountingRules {
  /** Cache reads and writes stand outside input (Anthropic). */
  readonly inputExcludesCache: boolean;
  /** Reasoning may stand outside output, and the total then says so (xAI chat). */
  readonly outputMayExcludeReasoning: boolean;
}

/** JSON number as `JSON.parse` takes it. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The value of a member by its scalar: `null` stays null, and NaN stands for what is no whole number of
 * things. Seconds may be a fraction; that they were reported is all that is kept of them.
 */
export function readMember(member: number, scalar: JsonScalar): number | null {
  const plain = scalar.count;
  if (plain >= 0) return plain;
  const { text } = scalar;
  if (text === "null") return null;
  const count = text !== undefined && JSON_NUMBER.test(text) ? Number(text) : Number.NaN;
  if (USAGE_MEMBERS[member]?.[1] === "seconds") return Math.ceil(count);
  // `+ 0` makes a plain zero of a negative one.
  return Number.isSafeInteger(count) && count >= 0 ? count + 0 : Number.NaN;
}

/** A later block of the same message: what it leaves out or nulls stays as it was. */
export function mergeValues(earlier: UsageValues, later: UsageValues): UsageValues {
  return USAGE_MEMBERS.map((_, i) => later[i] ?? earlier[i]);
}

/** Whether any member is a count. */
export function holdsCount(values: UsageValues): boolean {
  return values.some(isCount);
}

/**
 * Undefined if the object is no token usage at all, like the hardware counts that Groq sends under the same name.
 * Usage in another unit (seconds of audio) was reported, and has no counts.
 */
export function countsOf(values: UsageValues, rules: CountingRules): UsageCounts | undefined {
  if (!holdsCount(values)) return undefined;
  const found = factsOf(values);
  const { input, output, total, cacheRead, cacheWrite5m, cacheWrite1h, reasoning } = found;
  const cacheWrite = found.cacheWrite ?? sumOf(cacheWrite5m, cacheWrite1h);
  const cached = rules.inputExcludesCache ? (cacheRead ?? 0) + (cacheWrite ?? 0) : 0;
  const outside =
    rules.outputMayExcludeReasoning && reasoning !== undefined && input !== undefined && output !== undefined
      ? reasoningOutside(input, output, reasoning, total)
      : 0;
  const counts: { -readonly [Count in keyof UsageCounts]: UsageCounts[Count] } = {};
  if (input !== undefined) counts.inputTokens = input + cached;
  if (output !== undefined) counts.outputTokens = output + outside;
  if (cacheRead !== undefined) counts.cacheReadTokens = cacheRead;
  if (cacheWrite !== undefined) counts.cacheWriteTokens = cacheWrite;
  if (cacheWrite1h !== undefined) counts.cacheWrite1hTokens = cacheWrite1h;
  if (reasoning !== undefined) counts.reasoningTokens = reasoning;
  return counts;
}

/** Undefined if neither was reported. */
const sumOf = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);

function reasoningOutside(
  input: number,
  output: number,
  reasoning: number,
  total: number | undefined,
): number {
  // A part is never larger than its whole, whatever the total says or leaves out.
  return reasoning > output || total === input + output + reasoning ? reasoning : 0;
}

function factsOf(values: UsageValues): Partial<Record<Fact, number>> {
  const facts: Partial<Record<Fact, number>> = {};
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!isCount(value)) continue;
    const fact = USAGE_MEMBERS[i]![1];
    facts[fact] ??= value;
  }
  return facts;
}

function isCount(value: number | null | undefined): value is number {
  return typeof value === "number" && !Number.isNaN(value);
}
