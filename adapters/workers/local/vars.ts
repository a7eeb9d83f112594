/** The config file as the vars and secrets of a Worker. */
import { parse } from "smol-toml";
import { CONFIG_FIELDS, keyName, variableName } from "../../../src/config/keys.ts";

/**
 * `AI_*` names to values: those of the file, then those of the environment, which win. The worker reads both as it reads
 * what is set with wrangler.
 */
export function varsOf(
  toml: string,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const vars: Record<string, string> = {};
  const values = parse(toml);
  for (const field of CONFIG_FIELDS) {
    const value = values[keyName(field)];
    if (value !== undefined)
      vars[variableName(field)] = typeof value === "string" ? value : JSON.stringify(value);
  }
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith("AI_") && value !== undefined && value !== "") vars[name] = value;
  }
  return vars;
}
