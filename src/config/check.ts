/** What only the config as a whole can tell: names that must exist elsewhere, and keys that must be keys. */

import { createKeyring, KeyringError } from "../keys/keyring.ts";
import { badValue, ConfigError, configError, type Place, quote } from "./config-error.ts";
import type { Config } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { BUILT_IN_PROVIDERS } from "./providers.ts";

/** How the one who wrote the config calls a field: `pool_keys` in a file, `poolKeys` in code. */
type NameOf = (field: keyof Config) => string;

const PROVIDER_TABLES = [
  "poolKeys",
  "providerDialects",
  "providerAuthSchemes",
  "providerBasePaths",
  "providerUsageInjection",
  "providerOnDisconnect",
] as const;

/** The built-in providers and those that the config adds. */
export function providerNames(config: Pick<Config, "providerAuthorities">): readonly string[] {
  return [
    ...new Set([...BUILT_IN_PROVIDERS.map((row) => row.name), ...Object.keys(config.providerAuthorities)]),
  ];
}

/** Every added provider can be routed to, and every table of providers names ones that exist. */
export function checkProviderTables(config: Config, nameOf: NameOf): void {
  const names = providerNames(config);
  for (const name of names) {
    if (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name) && name !== "v1") continue;
    const allowed = 'a provider name of lower-case letters, digits, ".", "_" and "-", and not "v1"';
    throw badValue({ key: nameOf("providerAuthorities"), variable: undefined }, name, allowed);
  }
  for (const field of PROVIDER_TABLES) {
    for (const name of Object.keys(config[field])) {
      if (names.includes(name)) continue;
      throw unknownProvider({ key: `${nameOf(field)}.${name}`, variable: undefined }, name, names, nameOf);
    }
  }
}

export function unknownProvider(
  place: Place,
  name: string,
  names: readonly string[],
  nameOf: NameOf,
): ConfigError {
  const meant = quote(nearest(name, names) ?? "");
  const adds = nameOf("providerAuthorities");
  return configError(
    place,
    `no provider is called ${quote(name)}; did you mean ${meant}? ${adds} adds a provider`,
  );
}

/** The provider whose name in upper case, with `_` for all but letters and digits, is the suffix of a variable. */
export function findProvider(suffix: string, place: Place, config: Config): string | undefined {
  const spelled = suffix.toUpperCase();
  const found = providerNames(config).filter(
    (name) => name.toUpperCase().replace(/[^A-Z0-9]/g, "_") === spelled,
  );
  if (found.length > 1) throw configError(place, `means ${found.join(" and ")} alike: set it in the file`);
  return found[0];
}

/** Every signing key is one, and there is one if there must be. */
export function checkSigningKeys(config: Config, nameOf: NameOf): void {
  const keys = nameOf("signingKeys");
  try {
    createKeyring(config.signingKeys);
  } catch (error) {
    if (!(error instanceof KeyringError)) throw error;
    throw new ConfigError(`${keys}.${error.kid}`, `${keys}: ${error.message}`);
  }
  if (!config.requireSigningKeys || Object.keys(config.signingKeys).length > 0) return;
  const required = nameOf("requireSigningKeys");
  throw new ConfigError(
    required,
    `${required} is true and ${keys} is empty: add a key (\`beyond-ai keygen\` makes one) or set it to false`,
  );
}
