/** A request as plain values, and the facts that admission reads off its headers in one pass. */
import { readContentLength } from "./content-length.ts";
import { type HeaderName, headerName, nominatedBy } from "./header-names.ts";
import type { HeaderList } from "./ports.ts";

/** What every transport hands to admission, whatever its runtime calls a request. */
export interface Inbound {
  readonly method: string;
  /** Begins with `/`, as received, without the query. */
  readonly path: string;
  /** `""`, or the query with its `?`, as received. */
  readonly query: string;
  readonly headers: HeaderList;
}

export interface HeaderFacts {
  /** One for each pair of the header list. */
  readonly names: readonly HeaderName[];
  /** The headers that may hold a credential; `""` when absent. Duplicates are joined by commas, as some runtimes do. */
  readonly authorization: string;
  readonly xApiKey: string;
  readonly apiKey: string;
  readonly googApiKey: string;
  readonly anthropicVersion: boolean;
  readonly upgrade: boolean;
  /** Declared body length in bytes; undefined when undeclared. */
  readonly contentLength: number | undefined;
  /** `content-encoding` when it says more than `identity`. */
  readonly encoded: boolean;
  readonly contentType: string;
  /** Names that `connection` lists: hop-by-hop for this request. */
  readonly connection: readonly string[];
}

const NONE: readonly string[] = [];

const join = (before: string, value: string): string =>
  before === "" ? value.trim() : `${before}, ${value.trim()}`;

export function readHeaders(headers: HeaderList): HeaderFacts {
  const names: HeaderName[] = [];
  const facts = {
    names,
    authorization: "",
    xApiKey: "",
    apiKey: "",
    googApiKey: "",
    anthropicVersion: false,
    upgrade: false,
    contentLength: undefined as number | undefined,
    encoded: false,
    contentType: "",
    connection: NONE,
  };
  for (let i = 0; i < headers.length; i += 2) {
    const name = headerName(headers[i]!);
    const value = headers[i + 1]!;
    names.push(name);
    switch (name.name) {
      case "authorization":
        facts.authorization = join(facts.authorization, value);
        break;
      case "x-api-key":
        facts.xApiKey = join(facts.xApiKey, value);
        break;
      case "api-key":
        facts.apiKey = join(facts.apiKey, value);
        break;
      case "x-goog-api-key":
        facts.googApiKey = join(facts.googApiKey, value);
        break;
      case "anthropic-version":
        facts.anthropicVersion = true;
        break;
      case "upgrade":
        facts.upgrade = true;
        break;
      case "content-length":
        facts.contentLength = readContentLength(value) ?? facts.contentLength;
        break;
      case "content-encoding":
        facts.encoded ||= value !== "" && value.toLowerCase() !== "identity";
        break;
      case "content-type":
        facts.contentType = value;
        break;
      case "connection":
        // The usual one names no other header.
        if (value !== "keep-alive") facts.connection = [...facts.connection, ...nominatedBy(value)];
        break;
    }
  }
  return facts;
}
