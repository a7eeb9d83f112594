/** Deny entries as their sources write them: `blackhole.{tenant_id}`, `blackhole.key.{key_id}`, and their values. */

import type { DenyReason } from "../gateway/ports.ts";
import { formatU64, parseU64 } from "../keys/u64.ts";
import { parseRfc3339 } from "./rfc3339.ts";

/** What an entry stops: every key of a tenant, or one key. */
export type DenyKind = "tenant" | "key";

/** Whom an entry names; the u64 id in two 32-bit words. */
export interface DenyId {
  readonly kind: DenyKind;
  readonly high: number;
  readonly low: number;
}

/** Why, and until when: epoch seconds, exclusive; 0 = until it is removed. */
export interface Deny {
  readonly reason: DenyReason;
  readonly expiresAt: number;
}

/** Where reasons are kept as numbers: their indices here. */
export const DENY_REASONS: readonly DenyReason[] = ["unknown", "spend", "fraud"];

/** Every entry's key starts with this. */
export const KEY_PREFIX = "blackhole.";
const KEY_ID_PREFIX = "blackhole.key.";

/** Longer values are no entry of ours, and not worth parsing: they deny as `unknown`. */
const MAX_VALUE_CHARS = 4096;

/** The largest instant the set keeps (2106); one beyond it never comes. */
const MAX_EXPIRES_AT = 0xffff_ffff;

/** The id a bucket key names; undefined for a foreign key or an id that is no canonical u64. */
export function parseDenyKey(key: string): DenyId | undefined {
  if (!key.startsWith(KEY_PREFIX)) return undefined;
  const words = new Uint32Array(2);
  const kind = key.startsWith(KEY_ID_PREFIX) ? "key" : "tenant";
  const id = key.slice(kind === "key" ? KEY_ID_PREFIX.length : KEY_PREFIX.length);
  return parseU64(id, words) ? { kind, high: words[0]!, low: words[1]! } : undefined;
}

export function formatDenyKey(id: DenyId): string {
  return (id.kind === "key" ? KEY_ID_PREFIX : KEY_PREFIX) + formatU64(id.high, id.low);
}

/**
 * The text of a value: `spend`, `fraud`, or JSON `{"reason","expires_at"}` with RFC 3339 or epoch seconds.
 * Everything else denies as `unknown`, until it is removed: what cannot be read must not let anyone in.
 */
export function parseDenyValue(text: string): Deny {
  if (text === "spend" || text === "fraud") return { reason: text, expiresAt: 0 };
  if (text.length > MAX_VALUE_CHARS || !text.includes("{")) return UNKNOWN;
  try {
    return parseDenyObject(JSON.parse(text));
  } catch {
    return UNKNOWN;
  }
}

/** The same for a value that is JSON already: a string is a value's text. */
export function parseDenyJson(value: unknown): Deny {
  return typeof value === "string" ? parseDenyValue(value) : parseDenyObject(value);
}

/** The value to write for an entry: the bare reason, or an object when it expires. */
export function denyToJson(deny: Deny): string | { reason: DenyReason; expires_at: string } {
  if (deny.expiresAt === 0) return deny.reason;
  return { reason: deny.reason, expires_at: formatExpiresAt(deny.expiresAt) };
}

/** `denyToJson` as the text of a bucket value. */
export function formatDenyValue(deny: Deny): string {
  const value = denyToJson(deny);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Epoch seconds as RFC 3339 without a fraction. */
export function formatExpiresAt(expiresAt: number): string {
  return new Date(expiresAt * 1000).toISOString().replace(".000Z", "Z");
}

const UNKNOWN: Deny = { reason: "unknown", expiresAt: 0 };

function parseDenyObject(value: unknown): Deny {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return UNKNOWN;
  const { reason, expires_at: expires } = value as { reason?: unknown; expires_at?: unknown };
  const expiresAt = parseExpiresAt(expires);
  if (expiresAt === undefined) return UNKNOWN;
  return { reason: reason === "spend" || reason === "fraud" ? reason : "unknown", expiresAt };
}

/** Undefined when it cannot be read. An instant before 1970 becomes second 1, as long gone as any. */
function parseExpiresAt(expires: unknown): number | undefined {
  if (expires === undefined || expires === null) return 0;
  const seconds = typeof expires === "string" ? parseRfc3339(expires) : expires;
  if (typeof seconds !== "number" || Number.isNaN(seconds)) return undefined;
  if (seconds > MAX_EXPIRES_AT) return 0;
  return Math.max(1, Math.ceil(seconds));
}
