/** Takes up an edited config while requests run: what can change does, what cannot is named, and a bad one changes nothing. */
import { CONFIG_FIELDS, type Config, keyName } from "../../src/config/keys.ts";
import type { LoadedConfig } from "../../src/config/parse.ts";
import { type GatewayState, reconfigure } from "../../src/gateway/state.ts";
import { messageOf } from "./errors.ts";

/** What is opened once, when the gateway starts. */
const NEEDS_RESTART: ReadonlySet<keyof Config> = new Set([
  "listen",
  "metricsListen",
  "natsUrl",
  "natsCreds",
  "natsCredsFile",
  "configBucket",
  "snapshotPath",
  "denyRescanSecs",
  "logLevel",
  "workers",
  "otlpEndpoint",
]);

/**
 * `read` gives the config as a start would, or throws with a message that an operator may see. `handOn` resolves when other
 * processes have taken the config up. Never rejects; says in the log what changed, by key and never by value.
 */
export async function reload(
  state: GatewayState,
  read: () => LoadedConfig,
  handOn: () => Promise<void> = async () => {},
): Promise<void> {
  const { log, settings } = state;
  try {
    const { config, warnings } = read();
    for (const warning of warnings) log("warn", warning);
    const changed = CONFIG_FIELDS.filter((field) => !isSame(settings.config[field], config[field]));
    for (const field of changed.filter((one) => NEEDS_RESTART.has(one))) {
      log("warn", `${keyName(field)} has changed in the config: it takes effect at the next start`);
    }
    const taken = changed.filter((field) => !NEEDS_RESTART.has(field));
    reconfigure(state, withFields(settings.config, config, taken));
    await handOn();
    log("info", "config reloaded", { changed: taken.map(keyName) });
  } catch (error) {
    log("error", `the config was not reloaded, the old one stays: ${messageOf(error)}`);
  }
}

/** What did not change stays the very same value, so that whoever holds it sees no change. */
function withFields(config: Config, next: Config, fields: readonly (keyof Config)[]): Config {
  return { ...config, ...Object.fromEntries(fields.map((field) => [field, next[field]])) };
}

/** Config values are plain data. The order of a table's entries is no change of it. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, sortedTables) === JSON.stringify(b, sortedTables);
}

function sortedTables(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
