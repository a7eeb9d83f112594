/** Finds the credential of a request. A virtual key in any place makes the request managed, so that it never goes on as BYO. */
import { VIRTUAL_KEY_PREFIX } from "../keys/virtual-key.ts";
import type { HeaderFacts } from "./inbound.ts";

export interface Credential {
  /** The virtual key (managed) or the caller's own key (BYO), without its scheme. */
  readonly value: string;
  readonly managed: boolean;
  /** Several `authorization` values, or two different virtual keys: nobody can say which one counts, so it is refused as invalid. */
  readonly ambiguous: boolean;
  /** BYO, and it came in `x-api-key`. */
  readonly byoInXApiKey: boolean;
}

/** Undefined: no credential anywhere. */
export function findCredential(facts: HeaderFacts, query: string): Credential | undefined {
  const authorization = withoutScheme(facts.authorization);
  const isAlone = query === "" && facts.xApiKey === "" && facts.apiKey === "" && facts.googApiKey === "";
  return isAlone && authorization !== ""
    ? {
        value: authorization,
        managed: holdsVirtualKey(authorization),
        ambiguous: facts.authorization.includes(","),
        byoInXApiKey: false,
      }
    : findAmongAll(facts, query, authorization);
}

function findAmongAll(facts: HeaderFacts, query: string, authorization: string): Credential | undefined {
  const values = [authorization, facts.xApiKey, facts.apiKey, facts.googApiKey, ...queryKeys(query)];
  const given = values.filter((value) => value !== "");
  const first = given[0];
  if (first === undefined) return undefined;
  const managed = given.filter(holdsVirtualKey);
  const ambiguous = facts.authorization.includes(",") || managed.some((value) => value !== managed[0]);
  if (managed[0] !== undefined) return { value: managed[0], managed: true, ambiguous, byoInXApiKey: false };
  return {
    value: first,
    managed: false,
    ambiguous,
    byoInXApiKey: facts.xApiKey !== "",
  };
}

/** Also with something around it, as a second scheme or another header's value: that is refused, and never goes on as BYO. */
function holdsVirtualKey(value: string): boolean {
  if (value.startsWith(VIRTUAL_KEY_PREFIX)) return true;
  if (!value.includes(VIRTUAL_KEY_PREFIX)) return false;
  return value.split(/[\s,]+/).some((word) => word.startsWith(VIRTUAL_KEY_PREFIX));
}

/** `Bearer KEY` → `KEY`, whatever the scheme is called; a bare credential stays as it is, a bare `Bearer` is none. */
function withoutScheme(value: string): string {
  if (value.startsWith(VIRTUAL_KEY_PREFIX)) return value;
  const space = value.search(/[ \t]/);
  if (space !== -1) return value.slice(space + 1).trim();
  return value.toLowerCase() === "bearer" ? "" : value;
}

/** Values of the query parameter `key`, decoded as providers decode it. */
function queryKeys(query: string): string[] {
  if (query === "") return [];
  const values: string[] = [];
  for (const part of query.slice(1).split("&")) if (isKeyParameter(part)) values.push(parameter(part)[1]);
  return values;
}

function isKeyParameter(part: string): boolean {
  return parameter(part)[0] === "key";
}

function parameter(part: string): [name: string, value: string] {
  const equals = part.indexOf("=");
  const [name, value] = equals === -1 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
  return [decodeQuery(name), decodeQuery(value).trim()];
}

function decodeQuery(text: string): string {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** The query without any parameter `key` and without any that holds the virtual key; the rest verbatim. */
export function withoutCredential(query: string, token: string): string {
  if (query === "") return query;
  const parts = query.slice(1).split("&");
  const kept = parts.filter((part) => !isKeyParameter(part) && !decodeQuery(part).includes(token));
  if (kept.length === parts.length) return query;
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}
