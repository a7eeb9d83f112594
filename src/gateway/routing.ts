/** From a request path to a provider and the path that it is asked. Nothing here knows a provider but by its row, the drop-in `/v1` aside. */
import type { Provider } from "../config/providers.ts";
import { type Wire, wireOf } from "../scan/wires.ts";
import { checkEndpoint, type EndpointVerdict } from "./endpoints.ts";
import type { Dialect } from "./errors.ts";

/** Where a path leads, and what follows from the path alone: worked out when it is first asked for. */
export interface Route {
  readonly provider: Provider;
  /** The path as sent to the provider, without its query. */
  readonly path: string;
  readonly dialect: Dialect;
  /** How its responses are read. */
  readonly wire: Wire;
  /** Its streams report usage only when asked (gateway.md §6). */
  readonly asksForUsage: boolean;
  /** Whether a virtual key reaches it. */
  reach(method: string): EndpointVerdict;
}

export interface Router {
  /**
   * `/groq/openai/v1/…` names its provider; bare `/v1` is the drop-in default. Undefined: no such provider.
   * Names match as they are spelled. `isAnthropic`: the drop-in default is Anthropic's, whatever the path.
   */
  route(path: string, isAnthropic: boolean): Route | undefined;
}

/** Paths remembered, and the longest of them in characters: clients choose paths, so both are bounded. */
const MAX_PATHS = 1024;
const MAX_PATH_CHARS = 256;

/** `managedPaths`: suffixes from the config, which a virtual key may POST to. */
export function createRouter(
  providers: ReadonlyMap<string, Provider>,
  managedPaths: readonly string[],
): Router {
  const known = { anthropic: new Map<string, Route>(), other: new Map<string, Route>() };
  return {
    route(path, isAnthropic) {
      const routes = isAnthropic ? known.anthropic : known.other;
      const seen = routes.get(path);
      if (seen) return seen;
      const found = findRoute(path, providers, isAnthropic, managedPaths);
      if (!found || path.length > MAX_PATH_CHARS) return found;
      if (routes.size === MAX_PATHS) routes.clear();
      routes.set(path, found);
      return found;
    },
  };
}

function findRoute(
  path: string,
  providers: ReadonlyMap<string, Provider>,
  isAnthropic: boolean,
  managedPaths: readonly string[],
): Route | undefined {
  const slash = path.indexOf("/", 1);
  const first = slash === -1 ? path.slice(1) : path.slice(1, slash);
  if (first === "v1") {
    const provider = providers.get(isAnthropic || isMessages(path) ? "anthropic" : "openai");
    return provider && new PathRoute(provider, path, managedPaths);
  }
  const provider = providers.get(first);
  return provider && new PathRoute(provider, slash === -1 ? "/" : path.slice(slash), managedPaths);
}

const isMessages = (path: string): boolean => path === "/v1/messages" || path.startsWith("/v1/messages/");

class PathRoute implements Route {
  readonly provider: Provider;
  readonly path: string;
  readonly dialect: Dialect;
  readonly asksForUsage: boolean;
  readonly #managedPaths: readonly string[];
  #wire: Wire | undefined;
  #post: EndpointVerdict | undefined;

  constructor(provider: Provider, path: string, managedPaths: readonly string[]) {
    this.provider = provider;
    this.path = path;
    this.dialect = dialectOf(path, provider);
    // `/chat/completions` and the legacy `/completions`.
    this.asksForUsage = provider.askForUsage && path.endsWith("/completions");
    this.#managedPaths = managedPaths;
  }

  get wire(): Wire {
    this.#wire ??= wireOf(this.path);
    return this.#wire;
  }

  reach(method: string): EndpointVerdict {
    if (method !== "POST") return this.#check(method);
    this.#post ??= this.#check(method);
    return this.#post;
  }

  #check(method: string): EndpointVerdict {
    return checkEndpoint(method, this.path, this.provider, this.#managedPaths);
  }
}

const OPENAI_PATHS = ["/chat/completions", "/completions", "/responses", "/embeddings"];

/** The wire that a path speaks where it says so (`…/messages` is Anthropic's on every provider), else the row's own. */
function dialectOf(path: string, provider: Provider): Dialect {
  if (path.endsWith("/messages") || path.includes("/messages/")) return "anthropic";
  for (const suffix of OPENAI_PATHS) if (path.endsWith(suffix)) return "openai";
  return provider.dialect;
}
