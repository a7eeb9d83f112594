/** What the deny-set's tests share: a source in a hurry, a recorded log, and waiting for a condition. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createServerDenySource,
  type ServerDenyOptions,
  type ServerDenySource,
} from "../../adapters/server/deny/index.ts";
import type { Log } from "../../src/gateway/ports.ts";

export const systemClock = { now: () => Date.now(), monotonic: () => performance.now() };

export interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** A log that can be read. */
export function recordLog(): { log: Log; lines: LoggedLine[]; messages: (level?: string) => string[] } {
  const lines: LoggedLine[] = [];
  return {
    lines,
    log: (level, message, fields) => lines.push({ level, message, fields }),
    messages: (level) =>
      lines.filter((line) => level === undefined || line.level === level).map(({ message }) => message),
  };
}

/** Things to undo after a test, last first. */
export function createCleanup(): { defer: (undo: () => unknown) => void; run: () => Promise<void> } {
  const stack: (() => unknown)[] = [];
  return {
    defer: (undo) => void stack.push(undo),
    async run() {
      for (let undo = stack.pop(); undo !== undefined; undo = stack.pop()) await undo();
    },
  };
}

export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "beyond-ai-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A source that reconnects within milliseconds and never rescans unless it is told to. */
export function createTestSource(
  options: Partial<ServerDenyOptions> & Pick<ServerDenyOptions, "log">,
): ServerDenySource {
  return createServerDenySource({
    bucket: "ai-gateway",
    rescanSecs: 0,
    clock: systemClock,
    backoff: { minMs: 10, maxMs: 50, stableMs: 60_000 },
    ...options,
  });
}
