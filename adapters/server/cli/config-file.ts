/** Finds and reads the config for a command: `--config FILE`, else ./config.toml where there is one, and the variables. */
import { readFileSync } from "node:fs";
import { type LoadedConfig, loadConfig } from "../../../src/config/parse.ts";
import { codeOf, isMissing } from "../errors.ts";
import { type CliContext, CliError } from "./conventions.ts";

const DEFAULT_CONFIG_FILE = "config.toml";

/** The option's help, the same wherever it is taken. */
export const CONFIG_OPTION = [
  "--config <file>",
  `TOML config (default: ./${DEFAULT_CONFIG_FILE} if there is one)`,
] as const;

export interface ConfigOption {
  readonly config?: string | undefined;
}

export interface FoundConfig extends LoadedConfig {
  /** The file that was read; `undefined` where defaults and variables are all there is. */
  readonly file: string | undefined;
}

/** Throws a `ConfigError` that names the key, or a `CliError` for a file that cannot be read. */
export function readConfig(
  { config: given }: ConfigOption,
  { runtimeName }: Pick<CliContext, "runtimeName">,
): FoundConfig {
  const toml = given === undefined ? readIfThere(DEFAULT_CONFIG_FILE) : readGiven(given);
  const file = toml === undefined ? undefined : (given ?? DEFAULT_CONFIG_FILE);
  return { file, ...loadConfig({ toml, env: process.env, runtime: runtimeName }) };
}

function readGiven(file: string): string {
  const text = readIfThere(file);
  if (text === undefined) throw new CliError(`--config: there is no file ${JSON.stringify(file)}`);
  return text;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new CliError(`--config: ${JSON.stringify(file)} cannot be read: ${codeOf(error)}`);
  }
}
