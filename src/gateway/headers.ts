/** Header hygiene in both directions, on flat lists: what goes up, what comes down, and what never does. */
import type { AuthScheme } from "../config/providers.ts";
import { readContentLength } from "./content-length.ts";
import { headerName, nominatedBy } from "./header-names.ts";
import type { HeaderFacts } from "./inbound.ts";
import type { HeaderList } from "./ports.ts";

const NONE: readonly string[] = [];

/** `anthropic-beta` tokens that open stored files or other accounts. */
const FORBIDDEN_BETAS = ["files-api-", "skills-", "oauth-"];

/** A BYO request's headers, as they came. */
export function headersUpByo(headers: HeaderList, facts: HeaderFacts): string[] {
  const up: string[] = [];
  for (let i = 0; i < facts.names.length; i++) {
    const { name, up: goesUp } = facts.names[i]!;
    if (goesUp && !facts.connection.includes(name)) up.push(headers[2 * i]!, headers[2 * i + 1]!);
  }
  return up;
}

/** A managed request's headers: every credential out, the pool key in. `token` is dropped wherever else it stands. */
export function headersUpManaged(
  headers: HeaderList,
  facts: HeaderFacts,
  token: string,
  scheme: AuthScheme,
  poolKey: string,
): string[] {
  const up: string[] = [];
  for (let i = 0; i < facts.names.length; i++) {
    const { name, managedUp } = facts.names[i]!;
    if (!managedUp || facts.connection.includes(name)) continue;
    const value = headers[2 * i + 1]!;
    if (value.includes(token)) continue;
    if (name !== "anthropic-beta") up.push(headers[2 * i]!, value);
    else pushBetas(up, headers[2 * i]!, value);
  }
  up.push("accept-encoding", "identity");
  if (scheme === "bearer") up.push("authorization", `Bearer ${poolKey}`);
  else up.push(scheme, poolKey);
  return up;
}

function pushBetas(up: string[], name: string, value: string): void {
  const tokens = value.split(",").map((token) => token.trim());
  const kept = tokens.filter(
    (token) => !FORBIDDEN_BETAS.some((prefix) => token.toLowerCase().startsWith(prefix)),
  );
  if (kept.length === tokens.length) up.push(name, value);
  else if (kept.length > 0) up.push(name, kept.join(","));
}

/** What `headersDown` found on its one pass over a provider's head. */
export interface ResponseHead {
  readonly headers: string[];
  readonly contentType: string;
  /** `content-encoding`, lower case; `""` when the body is plain. */
  readonly contentEncoding: string;
  readonly contentLength: number | undefined;
}

/** A provider's headers as the client may see them. `poolKey` (managed requests) also drops what only the account may see. */
export function headersDown(headers: HeaderList, poolKey: string | undefined): ResponseHead {
  const down: string[] = [];
  let contentType = "";
  let contentEncoding = "";
  let contentLength: number | undefined;
  const nominated = connectionNames(headers);
  for (let i = 0; i < headers.length; i += 2) {
    const { name, down: goesDown, managedDown } = headerName(headers[i]!);
    const value = headers[i + 1]!;
    if (!goesDown || nominated.includes(name)) continue;
    if (poolKey !== undefined && (!managedDown || value.includes(poolKey))) continue;
    if (name === "content-type") contentType = value.toLowerCase();
    else if (name === "content-encoding") contentEncoding = withCoding(contentEncoding, value);
    else if (name === "content-length") contentLength = readContentLength(value) ?? contentLength;
    down.push(headers[i]!, value);
  }
  return {
    headers: down,
    contentType,
    contentEncoding,
    contentLength,
  };
}

/** Each field adds a coding, and `identity` is none (RFC 9110 §8.4.1). */
function withCoding(before: string, value: string): string {
  const coding = value.trim().toLowerCase();
  if (coding === "" || coding === "identity") return before;
  return before === "" ? coding : `${before}, ${coding}`;
}

function connectionNames(headers: HeaderList): readonly string[] {
  let names = NONE;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    // The usual values name no other header.
    if (name.length !== 10 || value === "keep-alive" || value === "close") continue;
    if (name.toLowerCase() === "connection") names = [...names, ...nominatedBy(value)];
  }
  return names;
}
