/** What each header's name means to the gateway, in one table: a relayed header costs a single look-up, whatever its casing. */

/** A header's name, and where a header of that name may go. */
export interface HeaderName {
  /** Lower case. */
  readonly name: string;
  /** Up to a provider, from any client. `content-length` is left to the transport, which knows what the body becomes. */
  readonly up: boolean;
  /** Up to a provider with a pool key. */
  readonly managedUp: boolean;
  /** Down to any client. */
  readonly down: boolean;
  /** Down to a client with a virtual key. */
  readonly managedDown: boolean;
}

/** RFC 9110 §7.6.1, and the older names that some clients still send. `expect` is answered by the server. */
const HOP_BY_HOP = [
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

const TRANSPORT = ["host", "content-length"];

/** Never sent up with a pool key: where a credential may stand, other accounts, the caller's network, its cookies. */
const STRIPPED_UP = [
  "authorization",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "accept-encoding",
  "openai-organization",
  "openai-project",
  "cookie",
  "forwarded",
  "x-real-ip",
  "via",
];
const STRIPPED_UP_PREFIXES = ["x-forwarded-", "cf-"];

/** The pool account's own: never shown to a tenant. */
const STRIPPED_DOWN = ["set-cookie", "openai-organization", "openai-project", "anthropic-organization-id"];

const OWN_PREFIX = "x-beyond-";

/** What most requests and responses carry besides: any other name costs a few more steps and nothing else. */
const USUAL = [
  "accept",
  "accept-language",
  "access-control-expose-headers",
  "alt-svc",
  "anthropic-beta",
  "anthropic-version",
  "cache-control",
  "cf-cache-status",
  "cf-ray",
  "content-encoding",
  "content-type",
  "date",
  "openai-processing-ms",
  "openai-version",
  "request-id",
  "server",
  "strict-transport-security",
  "traceparent",
  "user-agent",
  "vary",
  "x-content-type-options",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-request-id",
  "x-stainless-arch",
  "x-stainless-lang",
  "x-stainless-os",
  "x-stainless-package-version",
  "x-stainless-retry-count",
  "x-stainless-runtime",
  "x-stainless-runtime-version",
  "x-stainless-timeout",
];

function describe(name: string): HeaderName {
  const anywhere = !HOP_BY_HOP.includes(name) && !name.startsWith(OWN_PREFIX);
  const up = anywhere && !TRANSPORT.includes(name);
  const isStripped =
    STRIPPED_UP.includes(name) || STRIPPED_UP_PREFIXES.some((prefix) => name.startsWith(prefix));
  return {
    name,
    up,
    managedUp: up && !isStripped,
    down: anywhere,
    managedDown: anywhere && !STRIPPED_DOWN.includes(name),
  };
}

/** `x-api-key` and `X-Api-Key`. */
const spellings = (name: string): string[] => [
  name,
  name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase()),
];

/** By their spellings: in lower case, and as most HTTP/1.1 implementations write them. */
export const KNOWN_NAMES: ReadonlyMap<string, HeaderName> = new Map(
  [...HOP_BY_HOP, ...TRANSPORT, ...STRIPPED_UP, ...STRIPPED_DOWN, ...USUAL].flatMap((name) => {
    const known = describe(name);
    return spellings(name).map((spelling) => [spelling, known] as const);
  }),
);

/** @param name in any case */
export function headerName(name: string): HeaderName {
  return KNOWN_NAMES.get(name) ?? readName(name.toLowerCase());
}

const readName = (name: string): HeaderName => KNOWN_NAMES.get(name) ?? describe(name);

/** Names that the value of a `connection` header makes hop-by-hop for its message (RFC 9110 §7.6.1). */
export const nominatedBy = (value: string): string[] => value.toLowerCase().split(/[\s,]+/);
