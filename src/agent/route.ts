/** From a model id to the gateway's path: which provider, which wire, under which base path. */
import type { DialectName } from "./dialects/dialect.ts";

export interface Route {
  readonly dialect: DialectName;
  /** Path below the gateway's URL. */
  readonly path: string;
  /** The model as the provider knows it. */
  readonly model: string;
  /** The provider accepts `stream_options`. */
  readonly takesStreamOptions: boolean;
}

/** Native base paths, where they are not `/v1` (gateway contract, provider table). */
const chatBase = new Map([
  ["openrouter", "/api/v1"],
  ["fireworks", "/inference/v1"],
  ["groq", "/openai/v1"],
]);
const messagesBase = new Map([...chatBase, ["deepseek", "/anthropic/v1"]]);

/** Mistral refuses members that it does not know, and reports usage unasked. */
const withoutStreamOptions = new Set(["mistral"]);

/** A provider is one plain word before a colon. `ft:` is none: OpenAI's fine-tuned models begin with it. */
const leadingProvider = /^(?!ft:)([a-z0-9][a-z0-9_-]*):(?=.)/;

/** `groq:llama-3.3-70b` goes to `/groq/openai/v1/chat/completions`; a bare model to the gateway's drop-in `/v1`. */
export function routeModel(id: string, override?: DialectName): Route {
  const provider = leadingProvider.exec(id)?.[1];
  const model = provider === undefined ? id : id.slice(provider.length + 1);
  const dialect = override ?? dialectOf(provider, model);
  const bases = dialect === "anthropic" ? messagesBase : chatBase;
  const prefix = provider === undefined ? "/v1" : `/${provider}${bases.get(provider) ?? "/v1"}`;
  return {
    dialect,
    model,
    path: `${prefix}${dialect === "anthropic" ? "/messages" : "/chat/completions"}`,
    takesStreamOptions: !withoutStreamOptions.has(provider ?? ""),
  };
}

function dialectOf(provider: string | undefined, model: string): DialectName {
  if (provider === "anthropic" || model.startsWith("claude") || model.includes("anthropic/"))
    return "anthropic";
  return "openai";
}
