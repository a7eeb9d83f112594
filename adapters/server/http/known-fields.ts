/**
 * Header names that come with nearly every message, and the last value of each, recognized in place: to make a string of each
 * costs Bun as much memory traffic as the rest of a small request.
 */

import { KNOWN_NAMES } from "../../../src/gateway/header-names.ts";
import { flatCopy } from "./flat-copy.ts";

/** Their values are never kept, nor compared with another request's. */
const SECRETS: ReadonlySet<string> = new Set([
  "api-key",
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  "x-api-key",
  "x-goog-api-key",
]);

/** Longer values are read anew each time. */
const MAX_VALUE_LENGTH = 512;

export interface KnownField {
  readonly name: string;
  readonly lowerName: string;
  readonly isSecret: boolean;
  /** The last valid value, in memory of its own; `""` before there was one, and for a secret. */
  value: string;
}

const byLength: KnownField[][] = [];
for (const [name, { name: lowerName }] of KNOWN_NAMES) {
  byLength[name.length] ??= [];
  byLength[name.length]!.push({ name, lowerName, isSecret: SECRETS.has(lowerName), value: "" });
}

/** The field whose name is `text` between `from` and `to`. */
export function knownField(text: string, from: number, to: number): KnownField | undefined {
  const candidates = byLength[to - from];
  if (candidates === undefined) return undefined;
  for (let i = 0; i < candidates.length; i++)
    if (standsAt(text, from, candidates[i]!.name)) return candidates[i];
  return undefined;
}

/** Whether `text` between `from` and `to` is the field's last value. */
export const isLastValue = ({ value }: KnownField, text: string, from: number, to: number): boolean =>
  to - from === value.length && standsAt(text, from, value);

/** Remembers a valid value. Not the slice of the head that it is: that would keep the whole head, credentials included. */
export function noteValue(field: KnownField, value: string): void {
  if (!field.isSecret && value.length <= MAX_VALUE_LENGTH) field.value = flatCopy(value);
}

/** Whether `text` has `known` at `at`. */
export function standsAt(text: string, at: number, known: string): boolean {
  for (let i = 0; i < known.length; i++) if (text.charCodeAt(at + i) !== known.charCodeAt(i)) return false;
  return true;
}
