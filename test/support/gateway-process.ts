/** Runs a gateway as an operator does: a config file, a child process, rows on stdout, diagnostics on stderr. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { stringify } from "smol-toml";
import { parseRow, type Row } from "./rows.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KILL_AFTER_MS = 15_000;

/** What a gateway is started with. */
export interface GatewaySetup {
  /** The keys of gateway.md §11, as they stand in `config.toml`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Deny-set entries, key to value, in force from the start. */
  readonly deny?: Readonly<Record<string, string>>;
}

/** A gateway that listens. */
export interface RunningGateway {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** The rows so far, in order. */
  rows(): Row[];
  /** The stdout lines so far. */
  rawRows(): string[];
  /** Resolves when that many rows have come. Rejects when the gateway ended before. */
  waitForRows(count: number): Promise<Row[]>;
  /** Resolves with the first row, here or to come, that matches. Rejects when the gateway ended before. */
  waitForRow(matches: (row: Row) => boolean): Promise<Row>;
  /** All of stderr so far. */
  stderr(): string;
  /** The most memory that the process has had resident so far; undefined where the system does not tell (Linux does). */
  peakMemoryBytes(): number | undefined;
  /** Ends it with SIGTERM and waits. */
  stop(): Promise<void>;
}

/** Starts one gateway of a runtime. */
export type StartGateway = (setup: GatewaySetup) => Promise<RunningGateway>;

/** Starts `command… --config FILE` and waits for its `listening` line; rejects with stderr when there is none. */
export async function startGatewayProcess(
  command: readonly string[],
  setup: GatewaySetup,
): Promise<RunningGateway> {
  const folder = mkdtempSync(join(tmpdir(), "beyond-ai-"));
  const configFile = join(folder, "config.toml");
  writeFileSync(configFile, stringify({ ...setup.config, ...denySnapshot(folder, setup.deny) }));
  const [program = "", ...args] = command;
  const child = spawn(program, [...args, "--config", configFile], {
    cwd: PROJECT_ROOT,
    env: cleanEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that stopping it also ends what a wrapper (npm, wrangler) started.
    detached: true,
  });
  const killGroup = () => signalGroup(child, "SIGKILL");
  process.once("exit", killGroup);
  const ended = once(child, "close");
  const stdout = collectLines(child.stdout, ended);
  const stderr = collectLines(child.stderr, ended);

  const stop = async () => {
    signalGroup(child, "SIGTERM");
    const timer = setTimeout(killGroup, KILL_AFTER_MS);
    await ended;
    clearTimeout(timer);
    process.off("exit", killGroup);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = await stderr.find(listeningUrl);
    return {
      url,
      rows: () => stdout.lines.map(parseRow),
      rawRows: () => [...stdout.lines],
      async waitForRows(count) {
        await stdout.find(() => (stdout.lines.length >= count ? true : undefined));
        return stdout.lines.map(parseRow);
      },
      waitForRow: (matches) => stdout.find((line) => matching(parseRow(line), matches)),
      stderr: () => stderr.lines.join("\n"),
      peakMemoryBytes: () => peakMemoryBytes(child.pid),
      stop,
    };
  } catch {
    const said = stderr.lines.join("\n");
    await stop();
    throw new Error(`the gateway did not start: ${said}`);
  }
}

interface Lines {
  readonly lines: readonly string[];
  /** The first defined value that `read` makes of a line, here or to come. Rejects at the end of the process. */
  find<T>(read: (line: string) => T | undefined): Promise<T>;
}

function collectLines(stream: Readable, ended: Promise<unknown>): Lines {
  const lines: string[] = [];
  const readers = new Set<(line: string) => void>();
  createInterface({ input: stream }).on("line", (line) => {
    lines.push(line);
    for (const read of readers) read(line);
  });
  return {
    lines,
    find: (read) =>
      new Promise((resolve, reject) => {
        for (const line of lines) {
          const found = read(line);
          if (found !== undefined) return resolve(found);
        }
        const tryLine = (line: string) => {
          const found = read(line);
          if (found === undefined) return;
          readers.delete(tryLine);
          resolve(found);
        };
        readers.add(tryLine);
        ended.then(() => reject(new Error("the gateway ended before the line came")));
        return undefined;
      }),
  };
}

function matching(row: Row, matches: (row: Row) => boolean): Row | undefined {
  return matches(row) ? row : undefined;
}

function listeningUrl(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  const diagnostic: { message?: unknown; url?: unknown } = JSON.parse(line);
  return diagnostic.message === "listening" && typeof diagnostic.url === "string"
    ? diagnostic.url
    : undefined;
}

/** The deny-set as a snapshot file (gateway.md §9), the one source that needs no server. */
function denySnapshot(folder: string, deny: GatewaySetup["deny"]): Record<string, string> {
  if (deny === undefined) return {};
  const file = join(folder, "deny.jsonl");
  const entries = Object.entries(deny).map(([key, value]) => ({ key, value }));
  const lines = [{ format: "beyond-ai-deny/1", revision: 0, stream: null }, ...entries];
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return { snapshot_path: file };
}

/** The developer's own `AI_*` variables would override the file. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AI_")));
}

/** proc(5): `VmHWM` in kB. */
function peakMemoryBytes(pid: number | undefined): number | undefined {
  const file = `/proc/${pid}/status`;
  const kilobytes = existsSync(file)
    ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(file, "utf8"))?.[1]
    : undefined;
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (!isGone) throw error;
  }
}
