/** `--tools` and `--exclude-tools`. */
import type { Tool } from "../../../src/agent/index.ts";
import { UsageError } from "./usage-error.ts";

/** Throws `UsageError` for a name that no tool has. */
export function selectTools(
  all: readonly Tool[],
  only: readonly string[] | undefined,
  without: readonly string[] | undefined,
): Tool[] {
  const known = new Set(all.map((tool) => tool.name));
  for (const name of [...(only ?? []), ...(without ?? [])]) {
    if (!known.has(name))
      throw new UsageError(`no tool ${JSON.stringify(name)}; there is: ${[...known].join(", ")}`);
  }
  return all.filter((tool) => (only?.includes(tool.name) ?? true) && !without?.includes(tool.name));
}
