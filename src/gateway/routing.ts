/** From a request path to a provider and the path that it is asked. Nothing here knows a provider but by its row. */
import type { Provider } from "../config/providers.ts";
import type { Dialect } from "./errors.ts";

export interface Route {
  readonly provider: Provider;
  /** The path as sent to the provider, without its query. */
  readonly path: string;
  readonly dialect: Dialect;
}

/** What the drop-in rule looks at besides the path. */
export interface DropInHints {
  readonly anthropicVersion: boolean;
  /** A BYO credential that came in `x-api-key`: an Anthropic key must never reach another provider. */
  readonly byoInXApiKey: boolean;
}

/**
 * `/groq/openai/v1/…` names its provider; bare `/v1` is the drop-in default. Undefined: no such provider.
 * Names match as they are spelled.
 */
export function route(
  path: string,
  providers: ReadonlyMap<string, Provider>,
  hints: DropInHints,
): Route | undefined {
  const slash = path.indexOf("/", 1);
  const first = slash === -1 ? path.slice(1) : path.slice(1, slash);
  if (first === "v1") {
    const provider = providers.get(isDropInAnthropic(path, hints) ? "anthropic" : "openai");
    return provider && { provider, path, dialect: dialectOf(path, provider) };
  }
  const provider = providers.get(first);
  if (!provider) return undefined;
  const rest = slash === -1 ? "/" : path.slice(slash);
  return { provider, path: rest, dialect: dialectOf(rest, provider) };
}

function isDropInAnthropic(path: string, hints: DropInHints): boolean {
  if (hints.anthropicVersion || hints.byoInXApiKey) return true;
  return path === "/v1/messages" || path.startsWith("/v1/messages/");
}

const OPENAI_PATHS = ["/chat/completions", "/completions", "/responses", "/embeddings"];

/** The wire that a path speaks where it says so (`…/messages` is Anthropic's on every provider), else the row's own. */
function dialectOf(path: string, provider: Provider): Dialect {
  if (path.endsWith("/messages") || path.includes("/messages/")) return "anthropic";
  for (const suffix of OPENAI_PATHS) if (path.endsWith(suffix)) return "openai";
  return provider.dialect;
}
