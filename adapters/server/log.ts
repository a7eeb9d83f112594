/** Diagnostics to stderr, one JSON line each. stdout carries rows and nothing else. */
import { writeSync } from "node:fs";
import type { Log } from "../../src/gateway/ports.ts";
import { createJsonLog, type LogLevel } from "./json-log.ts";
import { unblock } from "./unblock.ts";

const STDERR = 2;
/** Of the process: stderr does not block any more. */
let isUnblocked = false;

/** Diagnostics of at least that level. */
export function createLog(minimum: LogLevel, fd = STDERR): Log {
  return createJsonLog(minimum, (line) => {
    writeUnlessStalled(fd, `${line}\n`);
    if (fd !== STDERR || isUnblocked) return;
    isUnblocked = true;
    unblock("stderr");
  });
}

/** Nobody reads it, or it is full: a diagnostic is not worth a stalled gateway. */
export function writeUnlessStalled(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {}
}
