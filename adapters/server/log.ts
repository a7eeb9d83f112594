/** Diagnostics to stderr, one JSON line each. stdout carries rows and nothing else. */
import { writeSync } from "node:fs";
import type { Log } from "../../src/gateway/ports.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LEVELS)[number];

/** `minimum` filters diagnostics; it has no say over rows. */
export function createLog(minimum: LogLevel, fd = 2): Log {
  const threshold = LEVELS.indexOf(minimum);
  return (level, message, fields) => {
    if (LEVELS.indexOf(level) < threshold) return;
    const line = JSON.stringify({ timestamp: new Date().toISOString(), level, message, ...fields });
    try {
      writeSync(fd, `${line}\n`);
    } catch {
      // Nobody reads stderr, or it is full: a diagnostic is not worth a stalled gateway.
    }
  };
}
