/** The kinds of value that a config key may have: how each is read from the file and from a variable, and what is allowed. */

import { type ListenAddress, parseAuthority, parseListenAddress } from "./address.ts";
import { badValue, configError, type Place } from "./config-error.ts";
import type { Table } from "./providers.ts";

/** Reads one value. */
export interface Kind<T> {
  /** In words that go on after "must be". */
  readonly allowed: string;
  /** A value as TOML or JSON gives it, `undefined` where nothing was given. Throws a `ConfigError`. */
  read(value: unknown, place: Place): T;
  /** The text of a variable as the value that TOML would give. What is no such value stays text, for `read` to refuse; broken JSON throws. */
  fromText(text: string, place: Place): unknown;
}

interface Scalar<T> {
  readonly allowed: string;
  readonly parse: (value: unknown) => T | undefined;
  readonly fromText?: (text: string) => unknown;
  readonly secret?: boolean;
}

const scalar = <T>({ allowed, parse, fromText = (text) => text, secret = false }: Scalar<T>): Kind<T> => ({
  allowed,
  fromText,
  read(value, place) {
    const parsed = parse(value);
    if (parsed === undefined) throw badValue(place, value, allowed, secret);
    return parsed;
  },
});

const numberFromText = (text: string): unknown => (/^[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : text);

/** A whole number within the bounds. */
export const integer = (min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> =>
  scalar({
    allowed:
      max === Number.MAX_SAFE_INTEGER
        ? `a whole number of at least ${min}`
        : `a whole number from ${min} to ${max}`,
    parse: (value) => (Number.isSafeInteger(value) && inRange(value, min, max) ? value : undefined),
    fromText: numberFromText,
  });

/** Timers count milliseconds in 31 bits, so no duration is longer. */
const MAX_SECONDS = 2_000_000;

/** Seconds, fractions too. With `zero`, 0 is allowed; else at least a millisecond. */
export const seconds = (zero: "zero" | "positive"): Kind<number> =>
  scalar({
    allowed: zero === "zero" ? `seconds, from 0 to ${MAX_SECONDS}` : `seconds, from 0.001 to ${MAX_SECONDS}`,
    parse: (value) => (inRange(value, zero === "zero" ? 0 : 0.001, MAX_SECONDS) ? value : undefined),
    fromText: numberFromText,
  });

const inRange = (value: unknown, min: number, max: number): value is number =>
  typeof value === "number" && value >= min && value <= max;

export const flag: Kind<boolean> = scalar({
  allowed: "true or false",
  parse: (value) => (typeof value === "boolean" ? value : undefined),
  fromText: (text) => (/^(?:true|1)$/i.test(text) ? true : /^(?:false|0)$/i.test(text) ? false : text),
});

export const choice = <T extends string>(...choices: readonly T[]): Kind<T> =>
  scalar({
    allowed: choices.map((name) => JSON.stringify(name)).join(" or "),
    parse: (value) => choices.find((name) => name === value),
  });

const matching = (pattern: RegExp, allowed: string, secret = false): Kind<string> =>
  scalar({
    allowed,
    secret,
    parse: (value) => (typeof value === "string" && pattern.test(value) ? value : undefined),
  });

export const text = matching(/^[^\p{Cc}]+$/u, "a text of one line");
/** Several lines are fine: a NATS credentials file is. */
export const secretText = matching(/\S/, "a text", true);
/** Goes into a header, so nothing that a header cannot carry: a stray newline from a secret store is caught here. */
export const secretToken = matching(
  /^[\x21-\x7e]+$/,
  "a text of visible ASCII characters without spaces",
  true,
);

/** Not echoed: a secret key may have been pasted in its place. `createKeyring` says whether it is a key. */
export const signingKey = matching(/\S/, "a public key as base64 or base64url", true);

export const listenAddress: Kind<ListenAddress> = scalar({
  allowed: 'an address "host:port" with a port from 0 to 65535, such as "127.0.0.1:8080" or "[::1]:8080"',
  parse: (value) => (typeof value === "string" ? parseListenAddress(value) : undefined),
});

/** Not echoed: what does not parse may be a URL with a password in it. */
export const authority: Kind<string> = scalar({
  allowed: '"host" or "host:port" (443 when left out), without https:// and path',
  secret: true,
  parse: (value) => (typeof value === "string" ? parseAuthority(value) : undefined),
});

const startingWith = (schemes: readonly string[]): string =>
  `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}, any % in a password as %25`;

function isUrl(text: string, schemes: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return schemes.includes(protocol.slice(0, -1)) && isPercentEncoded(username) && isPercentEncoded(password);
}

/** A stray `%` stays as it is in a URL, and cannot be decoded. */
function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Not echoed, for it may hold a password. */
export const url = (...schemes: readonly string[]): Kind<string> =>
  scalar({
    allowed: startingWith(schemes),
    secret: true,
    parse: (value) => (typeof value === "string" && isUrl(value, schemes) ? value : undefined),
  });

/** One URL or several, separated by commas; each is checked, and blanks around them are dropped. */
export const urlList = (...schemes: readonly string[]): Kind<string> =>
  scalar({
    allowed: `${startingWith(schemes)}, or several separated by commas`,
    secret: true,
    parse(value) {
      if (typeof value !== "string") return undefined;
      const urls = value.split(",").map((text) => text.trim());
      return urls.every((text) => isUrl(text, schemes)) ? urls.join(",") : undefined;
    },
  });

const PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+$/;
const isPlainPath = (path: string): boolean =>
  PATH.test(path) && !path.split("/").some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));

/** A base path without its trailing slash; the root is `""`. */
export const basePath: Kind<string> = scalar({
  allowed: 'a path such as "/v1", or "/" for the root',
  parse: (value) => {
    if (typeof value !== "string") return undefined;
    const path = value.replace(/\/$/, "");
    return path === "" || isPlainPath(path) ? path : undefined;
  },
});

export const managedPath: Kind<string> = scalar({
  allowed: 'a path below the base path, such as "/audio/transcriptions"',
  parse: (value) => (typeof value === "string" && isPlainPath(value) ? value : undefined),
});

/** `undefined` and the empty text mean "unset". */
export const optional = <T>(kind: Kind<T>): Kind<T | undefined> => ({
  ...kind,
  read: (value, place) => (value === undefined || value === "" ? undefined : kind.read(value, place)),
});

/** Not told by the parser's own message: that quotes the text, which may be a secret. */
const parseJson = (text: string, place: Place, allowed: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw configError(place, `not valid JSON, must be ${allowed}, written as JSON`);
  }
};

export const listOf = <T>(kind: Kind<T>): Kind<readonly T[]> => ({
  allowed: `a list, each entry ${kind.allowed}`,
  fromText(text, place) {
    return parseJson(text, place, this.allowed);
  },
  read(value, place) {
    if (!Array.isArray(value)) throw badValue(place, value, this.allowed, true);
    return value.map((entry: unknown, index) =>
      kind.read(entry, { ...place, key: `${place.key}[${index}]` }),
    );
  },
});

/** One value or a list of them, read as a list without repetitions. A variable may hold either as well. */
export const oneOrList = <T extends string>(kind: Kind<T>): Kind<readonly T[]> => ({
  allowed: `${kind.allowed}, or a list of these`,
  fromText(text, place) {
    return text.trimStart().startsWith("[") ? parseJson(text, place, this.allowed) : text;
  },
  read: (value, place) => [
    ...new Set(Array.isArray(value) ? listOf(kind).read(value, place) : [kind.read(value, place)]),
  ],
});

/** A table without prototype. `names` says what its names are; whether one exists is checked later. */
export const tableOf = <T>(entry: Kind<T>, names: string): Kind<Table<T>> => ({
  allowed: `a table from ${names} to ${entry.allowed}`,
  fromText(text, place) {
    return parseJson(text, place, this.allowed);
  },
  read(value, place) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) {
      throw badValue(place, value, this.allowed, true);
    }
    const table: Record<string, T> = Object.create(null);
    for (const [name, given] of Object.entries(value)) {
      if (name === "") throw configError(place, "an entry has an empty name");
      table[name] = entry.read(given, { ...place, key: `${place.key}.${name}` });
    }
    return table;
  },
});
