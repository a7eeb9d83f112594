/** Runs the command as a user does: a child process in a folder of its own, without the developer's `AI_*` variables. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";

export const PROJECT_ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIN = join(PROJECT_ROOT, "adapters/node/bin.ts");

export interface Ended {
  /** `null` when a signal killed it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  /** Resolves with the match of a pattern in what was written so far or will be; rejects when the process ends without. */
  seen(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray>;
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<Ended>;
}

export interface CommandOptions {
  /** The working directory; a fresh empty one unless told. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanups.splice(0).reverse()) cleanUp();
});

/** `beyond-ai …args`. What still runs when the test is over is killed. */
export const startCli = (args: readonly string[], options?: CommandOptions): RunningCommand =>
  startCommand(process.execPath, [BIN, ...args], options);

/** `beyond-ai …args`, to its end. */
export const runCli = (args: readonly string[], options?: CommandOptions): Promise<Ended> =>
  startCli(args, options).ended;

/** Any command, in a process group of its own. */
export function startCommand(
  program: string,
  args: readonly string[],
  { cwd = temporaryFolder(), env = {}, input = "" }: CommandOptions = {},
): RunningCommand {
  const child = spawn(program, args, { cwd, env: { ...cleanEnvironment(), ...env }, detached: true });
  child.stdin.on("error", () => undefined).end(input);
  cleanups.push(() => killGroup(child));
  const texts = { stdout: "", stderr: "" };
  const collect = (name: keyof typeof texts, stream: Readable): void => {
    stream.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  };
  collect("stdout", child.stdout);
  collect("stderr", child.stderr);
  const ended = once(child, "close").then(([code]: (number | null)[]) => ({ code: code ?? null, ...texts }));
  return {
    child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    ended,
    seen: (name, pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(texts[name]);
          if (match !== null) resolve(match);
        };
        child[name].on("data", look);
        look();
        void ended.then(() => reject(new Error(`${pattern} never came: ${texts.stdout}${texts.stderr}`)));
      }),
  };
}

/** Gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "beyond-ai-cli-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file into a folder that is gone when the test is over; gives its path. */
export function temporaryFile(name: string, text: string): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, text);
  return file;
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AI_")));
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended before.
  }
}
