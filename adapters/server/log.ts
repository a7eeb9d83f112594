/** Diagnostics to stderr, one JSON line each. stdout carries rows and nothing else. */
import { writeSync } from "node:fs";
import type { Log } from "../../src/gateway/ports.ts";
import { createJsonLog, type LogLevel } from "./json-log.ts";

const STDERR = 2;
/** Of the process: stderr does not block any more. */
let isUnblocked = false;

/** Diagnostics of at least that level. */
export function createLog(minimum: LogLevel, fd = STDERR): Log {
  return createJsonLog(minimum, (line) => {
    writeUnlessStalled(fd, `${line}\n`);
    if (fd === STDERR && !isUnblocked) unblockStderr();
  });
}

/** Nobody reads it, or it is full: a diagnostic is not worth a stalled gateway. */
export function writeUnlessStalled(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {}
}

/** A full pipe would hold up Bun's event loop until somebody reads it. Bun makes it non-blocking when its stream is first asked for. */
function unblockStderr(): void {
  isUnblocked = true;
  process.stderr.on("error", () => {});
}
