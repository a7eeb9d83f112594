/** Floods from a child process, so that making them costs the test's own clock nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { FloodKind } from "./flood-child.ts";

const CHILD = fileURLToPath(new URL("flood-child.ts", import.meta.url));

export interface FloodResult {
  readonly statuses: Readonly<Record<string, number>>;
  readonly perSecond: number;
}

/** Floods for as long as `meanwhile` takes; gives what came of both. */
export async function floodDuring<T>(
  url: string,
  kind: FloodKind,
  connections: number,
  meanwhile: () => Promise<T>,
): Promise<{ readonly flood: FloodResult; readonly result: T }> {
  const child = spawn(process.execPath, [CHILD, url, kind, String(connections)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const said = text(child.stdout);
  try {
    const result = await meanwhile();
    child.stdin.end();
    const flood: FloodResult = JSON.parse(await said);
    return { flood, result };
  } finally {
    child.kill();
    await ended;
  }
}
