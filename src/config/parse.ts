/** Reads the config: defaults, then the file, then variables; or, for an embedder, values given in code. */

import { parse as parseToml, TomlError } from "smol-toml";
import {
  checkProviderTables,
  checkSigningKeys,
  findProvider,
  providerNames,
  unknownProvider,
} from "./check.ts";
import { ConfigError, type Place, quote } from "./config-error.ts";
import {
  CONFIG_FIELDS,
  CONFIG_KEYS,
  type Config,
  type ConfigKey,
  ENTRY_VARIABLES,
  keyName,
  type Runtime,
  variableName,
} from "./keys.ts";
import type { Kind } from "./kinds.ts";
import { nearest } from "./nearest.ts";
import type { Table } from "./providers.ts";

export type { Config } from "./keys.ts";

interface LoadOptions {
  /** The text of the config file, if there is one. */
  readonly toml?: string | undefined;
  /** Variables. Those of a Worker may be JSON values; other names than ours are never looked at. */
  readonly env: Variables;
  readonly runtime: Runtime;
}

export interface LoadedConfig {
  readonly config: Config;
  /** One line each, for the operator. */
  readonly warnings: readonly string[];
}

/** What code may give: the keys in camel case, with addresses and single entries as the file writes them. */
export type ConfigValues = {
  readonly [F in keyof Config]?: (F extends keyof LooseValues ? LooseValues[F] : Config[F]) | undefined;
};

interface LooseValues {
  readonly listen: string;
  readonly metricsListen: string;
  readonly poolKeys: Table<string | readonly string[]>;
  readonly providerBasePaths: Table<string | readonly string[]>;
}

type Variables = Readonly<Record<string, unknown>>;
type Draft = { -readonly [F in keyof Config]: Config[F] };

/** Values by field or by key name, and how an error calls a field. */
interface Source {
  readonly values: Readonly<Record<string, unknown>>;
  readonly nameOf: (field: keyof Config) => string;
}

/** Cloudflare gives 30 s after a disconnect to `waitUntil`; five of them are for the row. */
const WORKERS_DRAIN_SECS = 25;

/** Throws a `ConfigError` for the first thing that is wrong. An empty variable counts as absent. */
export function loadConfig({ toml = "", env, runtime }: LoadOptions): LoadedConfig {
  const file: Source = { values: parseFile(toml.replace(/^\uFEFF/, "")), nameOf: keyName };
  refuseUnknown(file, "key");
  const draft = readFields(file, env);
  readEntryVariables(draft, env);
  checkProviderTables(draft, keyName);
  checkSigningKeys(draft, keyName);
  const given = CONFIG_FIELDS.filter(
    (field) => Object.hasOwn(file.values, keyName(field)) || isGiven(env[variableName(field)]),
  );
  const warnings = collectWarnings(draft, given, runtime);
  if (runtime === "workers") draft.drainMaxSecs = Math.min(draft.drainMaxSecs, WORKERS_DRAIN_SECS);
  return { config: draft, warnings };
}

/** The config of an embedder: defaults, then `values`, checked as the file's are. Throws a `ConfigError` that names the option. */
export function configFrom(values: ConfigValues): Config {
  const options: Source = {
    values: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)),
    nameOf: (field) => field,
  };
  refuseUnknown(options, "option");
  const draft = readFields(options, {});
  checkProviderTables(draft, options.nameOf);
  checkSigningKeys(draft, options.nameOf);
  return draft;
}

function parseFile(toml: string): Readonly<Record<string, unknown>> {
  try {
    return parseToml(toml);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line: those below it quote the file, secrets and all.
    const why = error.message.split("\n", 1)[0]!.replace("Invalid TOML document: ", "");
    throw new ConfigError(
      "",
      `the config file is no TOML: line ${error.line}, column ${error.column}: ${why}`,
    );
  }
}

function refuseUnknown({ values, nameOf }: Source, what: "key" | "option"): void {
  const known = CONFIG_FIELDS.map(nameOf);
  for (const name of Object.keys(values)) {
    if (known.includes(name)) continue;
    throw new ConfigError(
      name,
      `unknown ${what} ${quote(name)}; did you mean ${quote(nearest(name, known) ?? "")}?`,
    );
  }
}

function readFields(source: Source, env: Variables): Draft {
  const draft = {} as Draft; // the loop sets every field: CONFIG_FIELDS is closed over Config
  for (const field of CONFIG_FIELDS) readField(draft, field, source, env);
  return draft;
}

function readField<F extends keyof Config>(
  draft: Draft,
  field: F,
  { values, nameOf }: Source,
  env: Variables,
): void {
  const row: ConfigKey<Config[F]> = CONFIG_KEYS[field];
  const key = nameOf(field);
  const variable = variableName(field);
  if (isGiven(env[variable])) {
    draft[field] = readVariable(row.kind, env[variable], { key, variable });
  } else {
    const value = Object.hasOwn(values, key) ? values[key] : row.default;
    draft[field] = row.kind.read(value, { key, variable: undefined });
  }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== "";

const readVariable = <T>(kind: Kind<T>, value: unknown, place: Place): T =>
  kind.read(typeof value === "string" ? kind.fromText(value, place) : value, place);

/** `AI_POOL_KEY_OPENAI` and the like win over the tables. Authorities come first: they may add the provider of a pool key. */
function readEntryVariables(draft: Draft, env: Variables): void {
  draft.providerAuthorities = withEntries(
    draft.providerAuthorities,
    "providerAuthorities",
    ENTRY_VARIABLES.providerAuthorities,
    env,
    (suffix, place) => findProvider(suffix, place, draft) ?? hyphenated(suffix),
  );
  draft.poolKeys = withEntries(draft.poolKeys, "poolKeys", ENTRY_VARIABLES.poolKeys, env, (suffix, place) => {
    const name = findProvider(suffix, place, draft);
    if (name === undefined) throw unknownProvider(place, hyphenated(suffix), providerNames(draft), keyName);
    return name;
  });
  draft.signingKeys = withEntries(
    draft.signingKeys,
    "signingKeys",
    ENTRY_VARIABLES.signingKeys,
    env,
    (suffix) => suffix,
  );
}

/** A variable cannot hold the hyphen that a new provider's name most likely has. */
const hyphenated = (suffix: string): string => suffix.toLowerCase().replaceAll("_", "-");

function withEntries<T>(
  table: Table<T>,
  field: keyof typeof ENTRY_VARIABLES,
  { prefix, kind }: { readonly prefix: string; readonly kind: Kind<T> },
  env: Variables,
  nameOf: (suffix: string, place: Place) => string,
): Table<T> {
  const variables = Object.keys(env).filter((name) => name.startsWith(prefix) && isGiven(env[name]));
  const merged: Record<string, T> = Object.assign(Object.create(null), table);
  for (const variable of variables.sort()) {
    const name = nameOf(variable.slice(prefix.length), { key: keyName(field), variable });
    merged[name] = readVariable(kind, env[variable], { key: `${keyName(field)}.${name}`, variable });
  }
  return merged;
}

function collectWarnings(config: Config, given: readonly (keyof Config)[], runtime: Runtime): string[] {
  const warnings = given
    .filter((field) => CONFIG_KEYS[field].noEffectOn?.includes(runtime))
    .map((field) => `${keyName(field)} has no effect on ${runtime}`);
  if (!config.upstreamTls) {
    warnings.push(
      "upstream_tls is false: pool keys and prompts go to the providers unencrypted; only for a mock",
    );
  }
  if (runtime === "workers" && given.includes("drainMaxSecs") && config.drainMaxSecs > WORKERS_DRAIN_SECS) {
    warnings.push(`drain_max_secs is capped at ${WORKERS_DRAIN_SECS} on workers`);
  }
  if (config.natsCreds !== undefined && config.natsCredsFile !== undefined) {
    warnings.push("nats_creds and nats_creds_file are both set: nats_creds is used");
  }
  return warnings;
}
