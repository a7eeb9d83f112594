/** A deny snapshot as the entries of a KV namespace, for a local one to begin with. */
import { readFileSync } from "node:fs";
import { formatDenyKey, formatDenyValue } from "../../../src/deny/entry.ts";
import { createLogReader } from "../../../src/deny/log-format.ts";

/** Key to value; undefined where the key is to be deleted. Throws a `LogFormatError`, or the system's own error. */
export function readDenyEntries(file: string): Map<string, string | undefined> {
  const entries = new Map<string, string | undefined>();
  const reader = createLogReader(({ id, deny }) => {
    entries.set(formatDenyKey(id), deny && formatDenyValue(deny));
  });
  reader.push(readFileSync(file));
  reader.end();
  return entries;
}
