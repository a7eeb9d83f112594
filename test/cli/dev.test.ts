/** `dev` as a newcomer meets it: what it prints is pasted and run, and the rows come. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT, type RunningCommand, startCli, startCommand } from "./cli.ts";

const ANSWER = "You said: Hello";

async function startDev(args: readonly string[] = ["--port", "0"]): Promise<RunningCommand> {
  const dev = startCli(["dev", ...args]);
  await dev.seen("stdout", /Ctrl-C ends/);
  return dev;
}

/** The code under each `# title`, as a person would select it. */
function snippetsOf(greeting: string): ReadonlyMap<string, string> {
  const [, ...parts] = greeting.split(/^# /m);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end), part.slice(end).split("\nAn embedded provider")[0]?.trim() ?? ""];
    }),
  );
}

const succeeds = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;

describe("dev", () => {
  let hasCurl = false;
  let hasPython = false;
  let hasPythonSdks = false;
  beforeAll(() => {
    hasCurl = succeeds("curl", "--version");
    hasPython = succeeds("python3", "--version");
    hasPythonSdks = succeeds("python3", "-c", "import openai, anthropic");
  });

  it("prints a key and snippets for curl, Python and TypeScript, OpenAI and Anthropic", async () => {
    const dev = await startDev();
    const key = /^bai_v2\.1\.\S+$/m.exec(dev.stdout())?.[0] ?? "none";
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(dev.stdout())?.[0] ?? "none";
    const snippets = snippetsOf(dev.stdout());
    expect([...snippets.keys()].map((title) => title.split(" (")[0])).toEqual([
      "SDKs and tools that read the environment",
      "curl, OpenAI",
      "curl, Anthropic, streamed",
      "Python, OpenAI",
      "Python, Anthropic",
      "TypeScript, OpenAI",
      "TypeScript, Anthropic",
    ]);
    for (const code of snippets.values()) {
      expect(code).toContain(url);
      expect(code).toContain(key);
    }
  });

  it("prints TypeScript that runs as it is, in Node", async () => {
    const dev = await startDev();
    for (const [title, code] of snippetsOf(dev.stdout())) {
      if (!title.startsWith("TypeScript")) continue;
      const run = startCommand(process.execPath, ["--input-type=module-typescript"], {
        cwd: PROJECT_ROOT,
        input: code,
      });
      expect(await run.ended).toEqual({ code: 0, stdout: `${ANSWER}\n`, stderr: "" });
    }
    await dev.seen(
      "stdout",
      / ok {2}tenant 1 key 1 {2}openai gpt-5-mini {2}1 in, 3 out {2}200 stream {2}\d+ ms/,
    );
    await dev.seen(
      "stdout",
      / ok {2}tenant 1 key 1 {2}anthropic claude-haiku-4-5 {2}1 in, 3 out {2}200 {2}\d+ ms/,
    );
  });

  it("prints curl commands that run as they are, in a shell", async () => {
    const dev = await startDev();
    const commands = [...snippetsOf(dev.stdout())].filter(([title]) => title.startsWith("curl"));
    expect(commands).toHaveLength(2);
    for (const [, code] of commands) {
      expect(code).toMatch(/^curl (-N )?http:\/\/127\.0\.0\.1:\d+\/v1\//);
      if (!hasCurl) continue;
      const { code: exitCode, stdout } = await startCommand("sh", ["-c", code]).ended;
      expect(exitCode).toBe(0);
      expect(stdout).toContain("said:");
    }
  });

  it("prints Python that parses, and runs where the SDKs are installed", async () => {
    const dev = await startDev();
    const scripts = [...snippetsOf(dev.stdout())].filter(([title]) => title.startsWith("Python"));
    expect(scripts).toHaveLength(2);
    for (const [, code] of scripts) {
      expect(code).toMatch(/base_url="http:\/\/127\.0\.0\.1:\d+(\/v1)?", api_key="bai_/);
      const check = hasPythonSdks ? ["-"] : ["-c", "import ast, sys; ast.parse(sys.stdin.read())"];
      if (!hasPython) continue;
      const run = await startCommand("python3", check, { input: code }).ended;
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(run.stdout).toBe(hasPythonSdks ? `${ANSWER}\n` : "");
    }
  });

  it("prints variables that the stock SDKs read", async () => {
    const dev = await startDev();
    const [, exports = ""] = [...snippetsOf(dev.stdout())][0] ?? [];
    const script = `import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";
console.log((await new OpenAI().models.list()).data.length > 0, (await new Anthropic().models.list()).data.length > 0);`;
    const run = startCommand("sh", ["-c", `${exports}\nexec "${process.execPath}" --input-type=module`], {
      cwd: PROJECT_ROOT,
      input: script,
    });
    expect(await run.ended).toEqual({ code: 0, stdout: "true true\n", stderr: "" });
  });

  it("keeps every provider on this machine, with whoever's key", async () => {
    const dev = await startDev();
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(dev.stdout())?.[0] ?? "";
    const response = await fetch(`${url}/groq/openai/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer gsk_mine", "content-type": "application/json" },
      body: '{"model":"m","messages":[{"role":"user","content":"Hello"}]}',
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain(ANSWER);
  });

  it("takes the next free port and says so when 8080 is in use", async () => {
    const holder = createServer();
    // Somebody else may hold it already, which serves as well.
    const held = Promise.race([once(holder, "listening"), once(holder, "error")]);
    holder.on("error", () => undefined).listen(8080, "127.0.0.1");
    await held;
    try {
      const dev = await startDev([]);
      expect(dev.stdout()).toContain("Port 8080 is in use, so this is the next free one.");
      const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(dev.stdout())?.[1]);
      expect(port).toBeGreaterThan(8080);
    } finally {
      holder.close();
    }
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends with exit code 0 on %s", async (signal) => {
    const dev = await startDev();
    dev.child.kill(signal);
    expect(await dev.ended).toMatchObject({ code: 0, stderr: "" });
  });
});
