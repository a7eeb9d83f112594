/** Starts the agent's command line as a child process and reads what it says. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../adapters/node/agent/bin.ts", import.meta.url));

export interface AgentRun {
  readonly child: ChildProcessWithoutNullStreams;
  stdout(): string;
  stderr(): string;
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
}

export interface AgentProcessOptions {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  /** Left open when undefined, as a parent that forgets it would. */
  readonly stdin?: string;
  /** A shell command that comes first, such as `ulimit`. */
  readonly before?: string;
}

/** The environment has no more than is given, so that nothing of the machine's gets in. */
export function startAgent(args: readonly string[], options: AgentProcessOptions): AgentRun {
  const { cwd, env, stdin, before = ":" } = options;
  const child = spawn("/bin/sh", ["-c", `${before}; exec "$@"`, "sh", process.execPath, bin, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", HOME: cwd, ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  child.stdin.on("error", () => undefined);
  if (stdin !== undefined) child.stdin.end(stdin);
  const exited = once(child, "close").then(([code, signal]: unknown[]) =>
    typeof code === "number" ? code : String(signal),
  );
  return { child, stdout: () => stdout, stderr: () => stderr, exited };
}

/** Runs to the end. */
export async function runAgent(args: readonly string[], options: AgentProcessOptions) {
  const run = startAgent(args, options);
  const code = await run.exited;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

/** The JSON lines of a text; throws for a line that is none. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
