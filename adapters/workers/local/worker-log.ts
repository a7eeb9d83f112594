/** Sorts a worker's console output: rows to stdout, diagnostics to stderr, one JSON line each. */
import type { Log } from "../../../src/gateway/ports.ts";

/** One call of `console`, as workerd reports it. */
export interface ConsoleLine {
  /** `log`, `debug`, `info`, `warn` or `error`. */
  readonly level: string;
  readonly message: string;
}

export interface WorkerLogOptions {
  readonly writeRow: (line: string) => void;
  /** For lines that are JSON already. */
  readonly writeDiagnostic: (line: string) => void;
  /** For workerd's own messages. */
  readonly log: Log;
}

export function createWorkerLog({
  writeRow,
  writeDiagnostic,
  log,
}: WorkerLogOptions): (line: ConsoleLine) => void {
  return ({ level, message }) => {
    if (level === "log" && message.startsWith('{"target":"ai.usage"')) writeRow(message);
    else if (message.startsWith('{"timestamp":')) writeDiagnostic(message);
    else log(level === "error" ? "error" : "warn", "workerd", { said: message });
  };
}
