/** Diagnostics as JSON lines, from a minimum level on. */
import type { Log } from "../../src/gateway/ports.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LEVELS)[number];

/** `minimum` filters diagnostics; it has no say over rows. */
export function createJsonLog(minimum: LogLevel, writeLine: (line: string) => void): Log {
  const threshold = LEVELS.indexOf(minimum);
  return (level, message, fields) => {
    if (LEVELS.indexOf(level) < threshold) return;
    writeLine(JSON.stringify({ timestamp: new Date().toISOString(), level, message, ...fields }));
  };
}
