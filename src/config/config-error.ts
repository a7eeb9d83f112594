/** A config that cannot be used, told in one line: which key, what was given, what to write instead. */

/** Where a value stands: the key as the file spells it, and the variable it came from, if any. */
export interface Place {
  /** `rate_limit_rps`, `pool_keys.openai`. */
  readonly key: string;
  /** `AI_RATE_LIMIT_RPS`; `undefined` for the file. */
  readonly variable: string | undefined;
}

/** The message is one line and never holds the value of a secret. */
export class ConfigError extends Error {
  /** The key as the file spells it; empty when the file as a whole cannot be read. */
  readonly key: string;
  constructor(key: string, message: string) {
    super(message);
    this.name = "ConfigError";
    this.key = key;
  }
}

/** The error for a value that is not `allowed` (words that go on after "must be"). */
export function badValue(place: Place, value: unknown, allowed: string, secret = false): ConfigError {
  return configError(place, `${secret ? describeSecret(value) : describe(value)} given, must be ${allowed}`);
}

/** An error at a place: `key (VARIABLE): message`. */
export function configError(place: Place, message: string): ConfigError {
  const variable = place.variable === undefined ? "" : ` (${place.variable})`;
  return new ConfigError(place.key, `${place.key}${variable}: ${message}`);
}

/** A short, one-line view of a name or a value that is no secret. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

function describe(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeName(value);
}

const describeSecret = (value: unknown): string =>
  typeof value === "string" ? `a text of ${value.length} characters` : typeName(value);

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  return typeof value === "object" ? "a table" : `a ${typeof value}`;
}
