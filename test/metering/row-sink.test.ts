/** The row sink on a real stdout: readers that stall, come back, never come back or close; pipes and files; Node and Bun. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";

const RUNTIMES = { Node: process.execPath, Bun: "node_modules/.bin/bun" };
const ROWS = 8_000;
const ROOM = 64 * 1024 * 1024;

interface Diagnostic {
  readonly message: string;
  readonly lost?: number;
  readonly rows?: number;
}

interface Writer {
  readonly child: ChildProcess;
  /** Resolves with the next diagnostic, here or to come, of that message. */
  said(message: string): Promise<Diagnostic>;
}

function startWriter(
  runtime: string,
  stdout: "pipe" | number,
  maxQueuedBytes: number,
  patienceMs = 0,
): Writer {
  const args = ["test/metering/sink-writer.ts", ROWS, maxQueuedBytes, patienceMs].map(String);
  const child = spawn(runtime, args, {
    cwd: new URL("../..", import.meta.url),
    stdio: ["ignore", stdout, "pipe"],
  });
  const diagnostics: Diagnostic[] = [];
  const listeners = new Set<() => void>();
  createInterface({ input: child.stderr! }).on("line", (line) => {
    diagnostics.push(JSON.parse(line));
    for (const listener of listeners) listener();
  });
  return {
    child,
    said: (message) =>
      new Promise((resolve) => {
        const look = () => {
          const found = diagnostics.find((one) => one.message === message);
          if (found) resolve(found);
        };
        listeners.add(look);
        look();
      }),
  };
}

const numbersOf = (text: string): number[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line): { n: number } => JSON.parse(line))
    .map(({ n }) => n);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

async function readAll(child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout!) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  describe(`rows on the stdout of ${name}`, () => {
    it("wait for a reader that stalls, and come all and in order when it is back", async () => {
      const { child, said } = startWriter(runtime, "pipe", ROOM);
      await said("written");
      expect(numbersOf(await readAll(child))).toEqual(upTo(ROWS));
      expect(await said("flushed")).toMatchObject({ lost: 0 });
    });

    it("are counted and reported as lost beyond the bound, and none of the others is harmed", async () => {
      const { child, said } = startWriter(runtime, "pipe", 200_000);
      await said("written");
      const written = numbersOf(await readAll(child));
      const { lost = 0 } = await said("flushed");
      expect(written.length).toBeGreaterThan(100);
      expect(written).toEqual(upTo(written.length));
      expect(written.length + lost).toBe(ROWS);
      expect(await said("usage rows were lost")).toMatchObject({ rows: lost });
    });

    it("are given up when the last flush is out of patience, so that the process can end", async () => {
      const { child, said } = startWriter(runtime, "pipe", ROOM, 100);
      const ended = once(child, "exit");
      const { lost = 0 } = await said("flushed");
      expect(await ended).toEqual([0, null]);
      expect(lost).toBeGreaterThan(ROWS / 2);
    });

    it("are counted as lost once the reader is gone for good", async () => {
      const { child, said } = startWriter(runtime, "pipe", ROOM);
      child.stdout!.destroy();
      const ended = once(child, "exit");
      expect((await said("flushed")).lost).toBeGreaterThan(ROWS / 2);
      expect(await ended).toEqual([0, null]);
    });

    it("go to a file as well", async () => {
      const folder = mkdtempSync(join(tmpdir(), "beyond-ai-sink-"));
      const file = join(folder, "rows.jsonl");
      const fd = openSync(file, "a");
      const { child } = startWriter(runtime, fd, ROOM);
      closeSync(fd);
      await once(child, "exit");
      expect(numbersOf(readFileSync(file, "utf8"))).toEqual(upTo(ROWS));
      rmSync(folder, { recursive: true });
    });
  });
}
