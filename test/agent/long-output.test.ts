/** A command's long output where the file for all of it cannot be made or written. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProcesses, type Processes } from "../../adapters/node/agent/tools/processes.ts";
import { type AgentProcessOptions, jsonLines, runAgent } from "../support/agent-process.ts";
import { isAlive } from "../support/alive.ts";
import { startStrictProvider } from "../support/strict-provider.ts";
import { until } from "../support/until.ts";

let cwd: string;
let processes: Processes;

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), "agent-output-")));
  processes = createProcesses();
});
afterEach(() => {
  processes.killAll();
  rmSync(cwd, { recursive: true, force: true });
});

/** Runs one command through the whole program. Gives its result, and the last event. */
async function runCommand(command: string, options: Partial<AgentProcessOptions>) {
  const provider = await startStrictProvider((index) =>
    index === 0 ? { calls: [{ name: "bash", input: { command } }] } : { text: "Done." },
  );
  try {
    const { code, stdout } = await runAgent(["run", "--json", "--model", "claude-test", "go"], {
      cwd,
      ...options,
      env: { AI_AGENT_KEY: "bai_v1.test", AI_GATEWAY_URL: provider.url, ...options.env },
    });
    const events = jsonLines(stdout);
    return {
      code,
      result: events.find((event) => event.kind === "tool_end"),
      last: events.at(-1),
    };
  } finally {
    await provider.stop();
  }
}

describe("an output that is longer than the model is shown", () => {
  it.each([
    ["many bytes", "seq 1 100000", "588895", "100000"],
    ["many short lines", "seq 1 3000", "13893", "3000"],
  ])("of %s is a result with its end where no file can be made", async (_, command, bytes, lastLine) => {
    const { code, result, last } = await runCommand(command, { env: { TMPDIR: join(cwd, "none") } });
    expect(code).toBe(0);
    expect(last).toMatchObject({ kind: "agent_end" });
    expect(result).toMatchObject({ is_error: false });
    const lines = String(result?.result).split("\n");
    expect(lines[0]).toBe(
      `[showing the end of ${bytes} bytes of output; the full output could not be kept (ENOENT)]`,
    );
    expect(lines.at(-1)).toBe(lastLine);
  });

  it("is a result with its end where the disk takes no more, and leaves no half file", async () => {
    mkdirSync(join(cwd, "tmp"));
    const { code, result, last } = await runCommand("seq 1 100000", {
      env: { TMPDIR: join(cwd, "tmp") },
      // 100 KiB a file: enough for the session, not for the output.
      before: "ulimit -f 200",
    });
    expect(code).toBe(0);
    expect(last).toMatchObject({ kind: "agent_end" });
    expect(result).toMatchObject({ is_error: false });
    expect(result?.result).toMatch(/^\[showing .*; the full output could not be kept \(EFBIG\)\]\n/);
    expect(result?.result).toMatch(/\n100000$/);
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
  });
});

describe("a listener that throws", () => {
  it("rejects the run with what it threw, once the whole group is stopped", async () => {
    const pids = join(cwd, "pids");
    const run = processes.run({
      file: "/bin/sh",
      args: ["-c", `sleep 1000 & echo $$ $! > ${pids}; while :; do echo more; sleep 0.01; done`],
      cwd,
      env: process.env,
      signal: new AbortController().signal,
      timeoutMs: 1_000_000,
      onOutput: () => {
        throw new Error("no room");
      },
    });
    await expect(run).rejects.toThrow("no room");
    const started = readFileSync(pids, "utf8").trim().split(" ").map(Number);
    expect(started).toHaveLength(2);
    await until(() => !started.some(isAlive));
  });
});
