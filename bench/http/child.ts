/** The benchmark's child processes: each the leader of a group of its own, none of which outlives the harness. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { PROJECT_ROOT } from "./project.ts";

export const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const STDERR_LINES_KEPT = 20;

export interface Child {
  /** The process group's id. */
  readonly group: number;
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;
  /** Resolves with the first defined value that `read` makes of a line. Rejects when the child ends or the time is over before. */
  line<T>(read: (line: string) => T | undefined, timeoutMs: number): Promise<T>;
  /** Asks the group to end, waits, and ends what did not. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Which output is read by lines; the other is dropped, or written to `stdoutFd`. */
  readonly lines: "stdout" | "stderr";
  readonly stdoutFd?: number;
}

const groups = new Set<number>();

/** For every way out of the harness. */
export function killAllChildren(): void {
  for (const group of groups) signalGroup(group, "SIGKILL");
}

export function startChild({ command, env = {}, lines, stdoutFd }: ChildOptions): Child {
  const [program = "", ...args] = command;
  const startedAt = performance.now();
  const child = spawn(program, args, {
    cwd: PROJECT_ROOT,
    env: { ...cleanEnvironment(), ...env },
    stdio: ["ignore", lines === "stdout" ? "pipe" : (stdoutFd ?? "ignore"), "pipe"],
    detached: true,
  });
  const ended = endOf(child);
  const group = child.pid ?? 0;
  if (group > 0) groups.add(group);
  const said: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const read = (line: string): void => {
    for (const listener of listeners) listener(line);
  };
  if (child.stdout) createInterface({ input: child.stdout }).on("line", read);
  if (child.stderr) {
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (said.push(line) > STDERR_LINES_KEPT) said.shift();
      if (lines === "stderr") read(line);
    });
  }
  return {
    group,
    startedAt,
    line: (parse, timeoutMs) =>
      new Promise((resolve, reject) => {
        const fail = (why: string): void => {
          clearTimeout(timer);
          reject(new Error(`${command.slice(0, 2).join(" ")}: ${why}\n${said.join("\n")}`));
        };
        const timer = setTimeout(fail, timeoutMs, `no answer within ${timeoutMs} ms`);
        const listener = (line: string): void => {
          const value = parse(line);
          if (value === undefined) return;
          clearTimeout(timer);
          listeners.delete(listener);
          resolve(value);
        };
        listeners.add(listener);
        ended.then((how) => fail(`ended (${how})`));
      }),
    async stop() {
      if (group === 0) return;
      signalGroup(group, "SIGTERM");
      if (!(await isOver(ended, STOP_TIMEOUT_MS))) {
        signalGroup(group, "SIGKILL");
        await isOver(ended, STOP_TIMEOUT_MS);
      }
      // What the leader started and left behind.
      signalGroup(group, "SIGKILL");
      groups.delete(group);
    },
  };
}

const isOver = (ended: Promise<unknown>, withinMs: number): Promise<boolean> =>
  Promise.race([ended.then(() => true), delay(withinMs, false, { ref: false })]);

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, "close");
    return signal ?? `exit code ${code}`;
  } catch (error) {
    return String(error);
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (!isGone) throw error;
  }
}

/** The developer's own `AI_*` variables would override the config that is measured. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AI_")));
}
