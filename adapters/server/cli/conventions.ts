/** How every command fails: one line on stderr that says what to do; exit code 1 for the world, 2 for a misused command line. */
import type { Command } from "commander";
import { ConfigError } from "../../../src/config/config-error.ts";
import type { Runtime } from "../../../src/config/keys.ts";
import type { ServerRuntime } from "../runtime.ts";

/** What the commands need to know of the runtime that they run on. */
export interface CliContext {
  readonly runtime: ServerRuntime;
  readonly runtimeName: Extract<Runtime, "node" | "bun">;
  readonly version: string;
}

/** Something a user can mend. The message is one line, names the option or key, and holds no secret. */
export class CliError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

const USAGE_EXIT_CODE = 2;

/** Options that do not go together, or hold what they cannot. */
export const usageError = (message: string): CliError => new CliError(message, USAGE_EXIT_CODE);

/** Failures that a user can mend; everything else is a fault of ours and keeps its stack. */
export function isExpected(error: unknown): error is CliError | ConfigError {
  return error instanceof CliError || error instanceof ConfigError;
}

/** An action whose expected failures become `error: …` on stderr and an exit code. */
export function reporting<A extends unknown[]>(
  run: (...args: A) => void | Promise<void>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      await run(...args);
    } catch (error) {
      if (!isExpected(error)) throw error;
      process.stderr.write(`error: ${error.message}\n`);
      process.exitCode = error instanceof CliError ? error.exitCode : 1;
    }
  };
}

/** Gives a command and all below it the same usage errors. Commands made elsewhere do not inherit them. */
export function applyConventions(command: Command): Command {
  command.configureOutput({ outputError: (text, write) => write(`${oneLine(text, command)}\n`) });
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE_EXIT_CODE));
  for (const child of command.commands) applyConventions(child);
  return command;
}

/** Commander quotes what it did not understand; a secret given as an argument by mistake must not be repeated. */
function oneLine(text: string, command: Command): string {
  const said = text
    .trim()
    .replace(/\s*\n\s*/g, " ")
    .replace(/(but got \d+): .*$/, "$1")
    .replace(/('--?[A-Za-z][\w-]*)=[^']*'/, "$1'");
  return `${said.replace(/\.$/, "")}; see ${pathOf(command)} --help`;
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
