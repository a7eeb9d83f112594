/** Diagnostics to stderr, one JSON line each. stdout carries rows and nothing else. */
import { writeSync } from "node:fs";
import type { Log } from "../../src/gateway/ports.ts";
import { createJsonLog, type LogLevel } from "./json-log.ts";

/** Diagnostics of at least that level. */
export function createLog(minimum: LogLevel, fd = 2): Log {
  return createJsonLog(minimum, (line) => {
    try {
      writeSync(fd, `${line}\n`);
    } catch {
      // Nobody reads stderr, or it is full: a diagnostic is not worth a stalled gateway.
    }
  });
}
