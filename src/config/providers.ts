/** The provider table: one row of data each, so that nothing below it asks for a provider by name. */

/** The wire that a response is read as where its path does not say. */
export type Dialect = "openai" | "anthropic";

/** How the pool key goes up: `authorization: Bearer`, or the header of that name. */
export type AuthScheme = "bearer" | "x-api-key" | "api-key";

/** What becomes of a managed request whose client left: cancelled at once, or read to its usage within `drain_max_*`. */
type OnDisconnect = "cancel" | "drain";

/** One upstream, as the whole gateway knows it. */
export interface Provider {
  /** First path segment; lower case. */
  readonly name: string;
  /** `host:port`, the port always there. */
  readonly authority: string;
  readonly dialect: Dialect;
  readonly authScheme: AuthScheme;
  /** What stands before `/chat/completions` and the like, native one first. No trailing slash: the root is `""`. */
  readonly basePaths: readonly string[];
  /** Chat streams report usage only if the request asks for it (gateway.md §6). */
  readonly askForUsage: boolean;
  readonly onDisconnect: OnDisconnect;
}

type Row = Omit<Provider, "onDisconnect">;

const row = (name: string, authority: string, basePaths: readonly string[], askForUsage: boolean): Row => ({
  name,
  authority,
  dialect: "openai",
  authScheme: "bearer",
  basePaths,
  askForUsage,
});

/**
 * The built-in rows. Authorities and base paths are the vendors' own (their SDKs' `baseURL`); who must be asked for usage
 * is the table of gateway.md §1. Mistral refuses unknown members, so asking it would fail the request.
 */
export const BUILT_IN_PROVIDERS: readonly Row[] = [
  row("openai", "api.openai.com:443", ["/v1"], true),
  {
    ...row("anthropic", "api.anthropic.com:443", ["/v1"], false),
    dialect: "anthropic",
    authScheme: "x-api-key",
  },
  row("openrouter", "openrouter.ai:443", ["/api/v1"], true),
  row("fireworks", "api.fireworks.ai:443", ["/inference/v1"], false),
  row("groq", "api.groq.com:443", ["/openai/v1"], false),
  row("deepseek", "api.deepseek.com:443", ["/v1", "", "/anthropic/v1"], true),
  row("together", "api.together.ai:443", ["/v1"], false),
  row("cerebras", "api.cerebras.ai:443", ["/v1"], false),
  row("mistral", "api.mistral.ai:443", ["/v1"], false),
  row("xai", "api.x.ai:443", ["/v1"], true),
];

/** A config table: own keys only, no prototype, so that `table["constructor"]` is absent. */
export type Table<T> = Readonly<Record<string, T>>;

/** The part of the config that shapes the table. An authority under a new name adds a row. */
export interface ProviderSettings {
  readonly providerAuthorities: Table<string>;
  readonly providerDialects: Table<Dialect>;
  readonly providerAuthSchemes: Table<AuthScheme>;
  readonly providerBasePaths: Table<readonly string[]>;
  readonly providerUsageInjection: Table<boolean>;
  readonly providerOnDisconnect: Table<OnDisconnect>;
  readonly onDisconnect: OnDisconnect;
}

const own = <T>(table: Table<T>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Built-in rows with the config laid over them, by name. Expects checked settings (see `loadConfig`). */
export function buildProviders(settings: ProviderSettings): ReadonlyMap<string, Provider> {
  const rows = new Map<string, Row>(BUILT_IN_PROVIDERS.map((builtIn) => [builtIn.name, builtIn]));
  for (const [name, authority] of Object.entries(settings.providerAuthorities)) {
    rows.set(name, { ...(rows.get(name) ?? row(name, authority, ["/v1"], true)), authority });
  }
  const providers = new Map<string, Provider>();
  for (const [name, base] of rows) {
    providers.set(name, {
      name,
      authority: base.authority,
      dialect: own(settings.providerDialects, name) ?? base.dialect,
      authScheme: own(settings.providerAuthSchemes, name) ?? base.authScheme,
      basePaths: own(settings.providerBasePaths, name) ?? base.basePaths,
      askForUsage: own(settings.providerUsageInjection, name) ?? base.askForUsage,
      onDisconnect: own(settings.providerOnDisconnect, name) ?? settings.onDisconnect,
    });
  }
  return providers;
}
