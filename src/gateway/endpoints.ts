/** What a managed key may reach: metered generation calls and harmless reads. One row an endpoint. */
import type { Provider } from "../config/providers.ts";
import { containsVirtualKey } from "../keys/virtual-key.ts";

interface Endpoint {
  readonly suffix: string;
  readonly methods: readonly string[];
  /** Also everything below it, as in `/models/{id}` (an id may hold `/`). */
  readonly below?: true;
  /** The provider bills tokens for it: a row without the provider's own count is estimated. */
  readonly billed: boolean;
}

const POST = ["POST"];
const READ = ["GET", "HEAD"];

const ENDPOINTS: readonly Endpoint[] = [
  { suffix: "/chat/completions", methods: POST, billed: true },
  { suffix: "/completions", methods: POST, billed: true },
  { suffix: "/responses", methods: POST, billed: true },
  { suffix: "/responses/input_tokens", methods: POST, billed: false },
  { suffix: "/responses/compact", methods: POST, billed: true },
  { suffix: "/messages", methods: POST, billed: true },
  { suffix: "/messages/count_tokens", methods: POST, billed: false },
  { suffix: "/embeddings", methods: POST, billed: true },
  { suffix: "/rerank", methods: POST, billed: true },
  { suffix: "/moderations", methods: POST, billed: false },
  { suffix: "/models", methods: READ, below: true, billed: false },
];

export type EndpointVerdict =
  | { readonly ok: true; readonly billed: boolean }
  | { readonly ok: false; readonly allow?: string };

const NOT_ALLOWED: EndpointVerdict = { ok: false };

/** `managedPaths`: suffixes from the config, allowed with POST. */
export function checkEndpoint(
  method: string,
  path: string,
  provider: Provider,
  managedPaths: readonly string[],
): EndpointVerdict {
  if (!isPlainPath(path)) return NOT_ALLOWED;
  let allow: string | undefined;
  for (const base of provider.basePaths) {
    if (!path.startsWith(`${base}/`)) continue;
    const rest = path.slice(base.length);
    const endpoint = findEndpoint(rest, managedPaths);
    if (!endpoint) continue;
    if (endpoint.methods.includes(method)) return { ok: true, billed: endpoint.billed };
    allow = endpoint.methods.join(", ");
  }
  return allow === undefined ? NOT_ALLOWED : { ok: false, allow };
}

function findEndpoint(rest: string, managedPaths: readonly string[]): Endpoint | undefined {
  for (const endpoint of ENDPOINTS) {
    if (rest === endpoint.suffix) return endpoint;
    if (endpoint.below && rest.startsWith(`${endpoint.suffix}/`)) return endpoint;
  }
  if (managedPaths.includes(rest)) return { suffix: rest, methods: POST, billed: true };
  return undefined;
}

/** Percent-decoding is repeated this often: a provider's front may decode once more than we do. */
const DECODE_ROUNDS = 3;

/**
 * False for a path whose meaning another parser could see differently: an empty, `.` or `..` segment, a backslash,
 * a control character or a broken escape, plain or after decoding. Nor may a virtual key stand in it, which would go up
 * and into the row.
 */
function isPlainPath(path: string): boolean {
  let text = path;
  for (let round = 0; ; round++) {
    if (!hasPlainSegments(text) || containsVirtualKey(text)) return false;
    if (!text.includes("%")) return true;
    if (round === DECODE_ROUNDS) return false;
    try {
      text = decodeURIComponent(text);
    } catch {
      // A literal percent sign may be left once real escapes are gone; in the path itself it is malformed.
      return round > 0;
    }
  }
}

function hasPlainSegments(path: string): boolean {
  if (/[\\\u0000-\u001f\u007f]/.test(path)) return false;
  const segments = path.split("/");
  for (let i = 1; i < segments.length; i++) {
    // "..;x" is ".." to servers that know path parameters.
    const name = segments[i]!.split(";", 1)[0];
    if (name === "" || name === "." || name === "..") return false;
  }
  return true;
}
