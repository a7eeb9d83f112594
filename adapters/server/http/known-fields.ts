/**
 * Header names that come with nearly every message, and the last value of each, found where they stand in a head: a string
 * made for each of them costs Bun as much memory traffic as the rest of a small request.
 */

import { KNOWN_NAMES } from "../../../src/gateway/header-names.ts";

/** Whose values are nobody's to keep, nor to compare with another's. */
const SECRETS: ReadonlySet<string> = new Set([
  "api-key",
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  "x-api-key",
  "x-goog-api-key",
]);

/** Longer ones are not compared, but read. */
const MAX_VALUE_LENGTH = 512;
/** A value is a part of its head's memory. */
const MAX_HEAD_LENGTH = 4_096;

export interface KnownField {
  readonly name: string;
  readonly lowerName: string;
  readonly isSecret: boolean;
  /** The last one, which has been found good; `""` before, and for a secret. */
  value: string;
}

const byLength: KnownField[][] = [];
for (const [name, { name: lowerName }] of KNOWN_NAMES) {
  byLength[name.length] ??= [];
  byLength[name.length]!.push({ name, lowerName, isSecret: SECRETS.has(lowerName), value: "" });
}

/** The field whose name stands in `text` between the two. */
export function knownField(text: string, from: number, to: number): KnownField | undefined {
  const candidates = byLength[to - from];
  if (candidates === undefined) return undefined;
  for (let i = 0; i < candidates.length; i++)
    if (standsAt(text, from, candidates[i]!.name)) return candidates[i];
  return undefined;
}

/** Whether the value between the two is the field's last one. */
export const isLastValue = ({ value }: KnownField, text: string, from: number, to: number): boolean =>
  to - from === value.length && standsAt(text, from, value);

/** To be called with a good one. */
export function noteValue(field: KnownField, value: string, head: string): void {
  if (!field.isSecret && value.length <= MAX_VALUE_LENGTH && head.length <= MAX_HEAD_LENGTH)
    field.value = value;
}

/** Whether it stands in `text` from there on. */
export function standsAt(text: string, at: number, known: string): boolean {
  for (let i = 0; i < known.length; i++) if (text.charCodeAt(at + i) !== known.charCodeAt(i)) return false;
  return true;
}
