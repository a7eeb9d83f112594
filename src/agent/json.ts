/** Narrowing of parsed JSON, so that no decoder needs a cast. */

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/**
 * JSON that every provider can read. `JSON.stringify` writes a lone surrogate, and nothing else, as `\\udXXX`
 * (ECMA-262, QuoteJSONString). The APIs refuse a whole request for one, so U+FFFD takes its place.
 */
export function wireJson(value: unknown): string {
  return JSON.stringify(value).replace(/(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, "\\ufffd");
}

/** The parsed value, or undefined for what is not JSON (`null` parses to null). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
