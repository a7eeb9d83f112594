/** The config keys as `serve --help` lists them, from the table that the parser reads. */
import { CONFIG_FIELDS, CONFIG_KEYS, keyName } from "../../../src/config/keys.ts";

/** A function, so that only `--help` pays for it. */
export function configHelp(): string {
  const width = Math.max(...CONFIG_FIELDS.map((field) => keyName(field).length));
  const lines = CONFIG_FIELDS.map((field) => {
    const { default: value, doc } = CONFIG_KEYS[field];
    return `  ${keyName(field).padEnd(width)}  ${doc}${isEmpty(value) ? "" : ` [${value}]`}`;
  });
  return `
Config keys, with their defaults. Each is also a variable, which wins: listen is AI_LISTEN, tables and lists are JSON,
and one entry of a table is AI_POOL_KEY_OPENAI, AI_SIGNING_KEY_1 or AI_PROVIDER_AUTHORITY_OPENAI.

${lines.join("\n")}
`;
}

const isEmpty = (value: unknown): boolean => value === undefined || typeof value === "object";
