import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatLine, newHeader } from "../../src/agent/index.ts";
import { type AgentProcessOptions, jsonLines, runAgent, startAgent } from "../support/agent-process.ts";
import { catchesSighup, isAlive } from "../support/alive.ts";
import { CLOSED_PORT } from "../support/closed-port.ts";
import { type Reply, type StrictProvider, startStrictProvider } from "../support/strict-provider.ts";
import { until } from "../support/until.ts";

const key = "bai_v1.1.topsecret.signature";
let cwd: string;
let provider: StrictProvider;

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), "agent-run-")));
});
afterEach(async () => {
  await provider?.stop();
  rmSync(cwd, { recursive: true, force: true });
});

async function play(...script: readonly Reply[]): Promise<void> {
  provider = await startStrictProvider((index) => script[index] ?? { text: "(end of script)" });
}

function options(more: Partial<AgentProcessOptions> = {}): AgentProcessOptions {
  return {
    cwd,
    ...more,
    env: { AI_AGENT_KEY: key, AI_GATEWAY_URL: provider?.url ?? "http://127.0.0.1:1", ...more.env },
  };
}

function run(args: readonly string[], more?: Partial<AgentProcessOptions>) {
  return runAgent(["run", ...args], options(more));
}

const edits: readonly Reply[] = [
  {
    thinking: "look first",
    calls: [
      { name: "ls", input: {} },
      { name: "read", input: { path: "notes.txt" } },
    ],
  },
  {
    thinking: "now edit",
    text: "Editing.",
    calls: [{ name: "edit", input: { path: "notes.txt", old_string: "old", new_string: "new" } }],
  },
  { calls: [{ name: "bash", input: { command: "env; cat notes.txt" } }] },
  { text: "Done: notes.txt says new." },
];

describe.each(["claude-test", "gpt-test", "groq:llama-test", "openrouter:anthropic/claude-test"])(
  "run against %s",
  (model) => {
    it("does a coding task; stdout has the answer alone, the key goes to the gateway and nowhere else", async () => {
      await play(...edits);
      writeFileSync(join(cwd, "notes.txt"), "old\n");
      const thinking = model.includes("claude") ? ["--thinking", "1024"] : [];
      const { code, stdout, stderr } = await run(["--model", model, ...thinking, "change the notes"]);
      expect({ code, refused: provider.refused }).toEqual({ code: 0, refused: [] });
      expect(readFileSync(join(cwd, "notes.txt"), "utf8")).toBe("new\n");
      expect(stdout).toBe("Editing.\nDone: notes.txt says new.\n");
      expect(stderr).toMatch(/\[tool: read \{"path":"notes.txt"\}\]\n/);
      expect(stderr).toMatch(/\[done in 4 steps; 400 in \/ 40 out tokens\]\n$/);
      for (const request of provider.requests) {
        expect(request.headers["x-api-key"] ?? request.headers.authorization).toContain(key);
        expect(request.raw).not.toContain("topsecret");
      }
      expect(provider.requests[3]!.raw).toContain("notes.txt");
      expect(provider.requests[3]!.raw).not.toContain("AI_AGENT_KEY");
      expect(allSessionText()).toContain("Done: notes.txt");
      expect(allSessionText() + stdout + stderr).not.toContain("topsecret");
    });
  },
);

function sessionFolder(): string {
  return join(cwd, ".local/state/beyond-ai/sessions");
}

function allSessionText(): string {
  return readdirSync(sessionFolder())
    .map((name) => readFileSync(join(sessionFolder(), name), "utf8"))
    .join("");
}

describe("the prompt of a run", () => {
  it("has the folder, the date, the tools, and AGENTS.md or CLAUDE.md from the root down", async () => {
    await play({ text: "ok" });
    writeFileSync(join(cwd, "CLAUDE.md"), "rule one");
    const { code } = await runAgent(
      ["run", "--model", "gpt-x", "--append-system-prompt", "rule last", "hi"],
      options(),
    );
    expect(code).toBe(0);
    const system = JSON.stringify(provider.requests[0]!.body.messages);
    expect(system).toContain(`Working directory: ${cwd}`);
    expect(system).toMatch(/Date: \d{4}-\d\d-\d\d/);
    expect(system).toContain("read, write, edit, bash");
    expect(system.indexOf("rule one")).toBeLessThan(system.indexOf("rule last"));
  });

  it("comes from words, from stdin, and from files named with @", async () => {
    await play();
    writeFileSync(join(cwd, "spec.md"), "SPEC");
    await run(["--model", "gpt-x", "two", "words"]);
    await run(["--model", "gpt-x"], { stdin: "from a pipe\n" });
    await run(["--model", "gpt-x", "follow", "@spec.md"]);
    await run(["--model", "gpt-x", "follow @spec.md for @bob"]);
    await run(["--model", "gpt-x", `follow @spec.md, all of @spec.md. Not @${"x".repeat(300)}`]);
    const tasks = provider.requests.map((request) => {
      const messages = request.body.messages;
      return Array.isArray(messages) ? messages.at(-1).content : undefined;
    });
    const file = '<file path="spec.md">\nSPEC\n</file>';
    expect(tasks).toEqual([
      "two\nwords",
      "from a pipe",
      `follow\n${file}`,
      `follow @spec.md for @bob\n${file}`,
      `follow @spec.md, all of @spec.md. Not @${"x".repeat(300)}\n${file}`,
    ]);
  });

  it("is not waited for on a stdin that nobody closes when the task is on the command line", async () => {
    await play({ text: "ok" });
    const agent = startAgent(["run", "--model", "gpt-x", "go"], options());
    expect(await agent.exited).toBe(0);
  });
});

describe("run --json", () => {
  it("prints a session header, then one event a line, the last of them terminal", async () => {
    await play(...edits.slice(0, 1), { text: "ok" });
    writeFileSync(join(cwd, "notes.txt"), "old\n");
    const { code, stdout, stderr } = await run(["--json", "--model", "claude-x", "go"]);
    const lines = jsonLines(stdout);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(lines[0]).toMatchObject({ kind: "session", id: expect.any(String) });
    expect(lines[1]).toEqual({ kind: "agent_start" });
    expect(lines.at(-1)).toEqual({ kind: "agent_end", steps: 2, stop_reason: "end_turn" });
    expect(lines).toContainEqual({ kind: "stream", type: "text_delta", index: 0, text: "ok" });
  });

  it("ends with an error event for what fails before the run, too", async () => {
    const { code, stdout } = await runAgent(["run", "--json", "go"], { cwd });
    expect(code).toBe(2);
    expect(jsonLines(stdout)).toEqual([
      { kind: "error", code: "usage", message: expect.stringContaining("no key") },
    ]);
  });
});

describe("the exit code of a run", () => {
  it.each([
    ["no key", ["run", "go"], {}, /no key/],
    ["no task", ["run"], { AI_AGENT_KEY: key }, /task is empty/],
    ["an unknown option", ["run", "--fast", "go"], {}, /unknown option '--fast'/],
    ["an unknown command", ["fly"], {}, /unknown command 'fly'/],
    [
      "an unknown tool",
      ["run", "--tools", "read,fly", "go"],
      { AI_AGENT_KEY: key },
      /no tool "fly"; there is: read/,
    ],
    ["a bad number", ["run", "--max-steps", "0", "go"], { AI_AGENT_KEY: key }, /at least 1/],
    ["a bad URL", ["run", "--gateway-url", "ai.internal", "go"], { AI_AGENT_KEY: key }, /want http:/],
    ["a folder that is none", ["run", "--cwd", "nowhere", "go"], { AI_AGENT_KEY: key }, /no such folder/],
    ["a file that is none", ["run", "@none"], { AI_AGENT_KEY: key }, /@none: no such file/],
    ["nothing to continue", ["run", "-c", "go"], { AI_AGENT_KEY: key }, /no earlier session/],
  ])("is 2 for %s", async (_, args, env, message) => {
    const { code, stdout, stderr } = await runAgent(args, { cwd, env, stdin: "" });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  it.each<[string, Reply[], RegExp, number]>([
    [
      "a denied tenant",
      [
        {
          status: 402,
          body: '{"error":{"message":"limit reached","type":"billing_error","code":"spend_denied"}}',
        },
      ],
      /error: denied: limit reached \(HTTP 402\) \(spend_denied\)/,
      1,
    ],
    ["a refusal", [{ text: "no", stop: "content_filter" }], /the model refused/, 1],
    [
      "garbage",
      Array.from({ length: 4 }, () => ({
        status: 200,
        headers: { "content-type": "text/event-stream" },
        body: "data: }{\n\n",
      })),
      /\(bad_stream\)/,
      4,
    ],
    [
      "a stream that is cut",
      Array.from({ length: 4 }, () => ({
        status: 200,
        headers: { "content-type": "text/event-stream" },
        body: "data: {}\n\n",
        cut: true,
      })),
      /\(cut_short\)/,
      4,
    ],
  ])("is 1 for %s", async (_, script, message, requests) => {
    await play(...script);
    const { code, stderr } = await run(["--model", "gpt-x", "go"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(provider.requests).toHaveLength(requests);
  });

  it("is 1 for max_steps and for a gateway that is not there", async () => {
    await play({ calls: [{ name: "ls", input: {} }] }, { calls: [{ name: "ls", input: {} }] });
    const steps = await run(["--model", "gpt-x", "--max-steps", "1", "go"]);
    expect(steps).toMatchObject({ code: 1, stderr: expect.stringContaining("(max_steps)") });
    const url = `http://${CLOSED_PORT}`;
    const gone = await run(["--model", "gpt-x", "--gateway-url", url, "go"]);
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/ECONNREFUSED \(unreachable\)/) });
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)(
    "is that of %s in the middle of a command, with nothing left running",
    async (signal, expected) => {
      await play({
        calls: [
          { name: "bash", input: { command: "trap '' TERM HUP INT; sleep 1000 & echo $! > pid; wait" } },
        ],
      });
      const agent = startAgent(["run", "--json", "--model", "claude-x", "go"], options());
      const file = join(cwd, "pid");
      await until(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"));
      agent.child.kill(signal);
      expect(await agent.exited).toBe(expected);
      expect(jsonLines(agent.stdout()).at(-1)).toMatchObject({ kind: "error", code: "aborted" });
      await until(() => !isAlive(Number(readFileSync(file, "utf8"))));
    },
  );

  it("is that of the signal while the task is still on its way", async () => {
    await play();
    const agent = startAgent(["run", "--json"], options());
    await until(() => catchesSighup(agent.child.pid));
    agent.child.kill("SIGHUP");
    expect(await agent.exited).toBe(129);
  });

  it("is that of the signal while the model is silent, and the session goes on", async () => {
    await play({ hang: "" }, { text: "back" });
    const agent = startAgent(["run", "--session", "s.jsonl", "--model", "claude-x", "first"], options());
    await provider.seen(1);
    agent.child.kill("SIGINT");
    expect(await agent.exited).toBe(130);
    expect(await run(["--session", "s.jsonl", "second"])).toMatchObject({ code: 0, stdout: "back\n" });
    expect(provider.requests[1]!.body).toMatchObject({
      model: "claude-x",
      messages: [{ role: "user", content: [{ text: "first" }, { text: "second" }] }],
    });
  });

  it("is 0 when nobody reads stderr any more, and all of the task is done", async () => {
    await play(...edits);
    writeFileSync(join(cwd, "notes.txt"), "old\n");
    const agent = startAgent(["run", "--model", "gpt-x", "change the notes"], options());
    agent.child.stderr.destroy();
    expect(await agent.exited).toBe(0);
    expect(provider.requests).toHaveLength(edits.length);
    expect(agent.stdout()).toMatch(/Done: notes\.txt says new\.\n$/);
  });

  it("is 0 with background processes ended", async () => {
    await play(
      { calls: [{ name: "bash", input: { command: "sleep 1000 & echo $! > pid" } }] },
      { text: "ok" },
    );
    expect(await run(["--model", "gpt-x", "go"])).toMatchObject({ code: 0 });
    await until(() => !isAlive(Number(readFileSync(join(cwd, "pid"), "utf8"))));
  });
});

describe("a run's session", () => {
  it("goes on with -c in the same folder, and the last message goes to a file", async () => {
    await play({ text: "one" }, { text: "two" });
    await run(["--model", "claude-x", "first"]);
    const second = await run(["-c", "--output-last-message", "out.txt", "second"]);
    expect(second).toMatchObject({ code: 0, stdout: "two\n" });
    expect(readFileSync(join(cwd, "out.txt"), "utf8")).toBe("two");
    expect(provider.requests[1]!.body).toMatchObject({
      model: "claude-x",
      messages: [{}, { role: "assistant" }, {}],
    });
  });

  it("leaves the answers of earlier runs out of the last message's file", async () => {
    await play({ text: "one" }, { text: "" }, { text: "", stop: "content_filter" });
    const lastMessage = async (task: string) => {
      const { code } = await run([
        "--model",
        "gpt-x",
        "--session",
        "s.jsonl",
        "--output-last-message",
        "out.txt",
        task,
      ]);
      return { code, text: readFileSync(join(cwd, "out.txt"), "utf8") };
    };
    expect(await lastMessage("first")).toEqual({ code: 0, text: "one" });
    expect(await lastMessage("second")).toEqual({ code: 0, text: "" });
    writeFileSync(join(cwd, "out.txt"), "stale");
    expect(await lastMessage("third")).toEqual({ code: 1, text: "" });
  });

  it("is found by -c among more files than the process may have open", async () => {
    await play({ text: "ok" });
    mkdirSync(sessionFolder(), { recursive: true });
    const put = (name: string, folder: string) =>
      writeFileSync(join(sessionFolder(), name), formatLine(newHeader({ cwd: folder, model: "gpt-last" })));
    for (let index = 0; index < 300; index++) put(`${index}.jsonl`, "/elsewhere");
    // The one that would be opened after all the others.
    put(readdirSync(sessionFolder()).at(-1)!, cwd);
    const result = await run(["-c", "go"], { before: "ulimit -n 100" });
    expect(result).toMatchObject({ code: 0, stdout: "ok\n" });
    expect(provider.requests[0]!.body.model).toBe("gpt-last");
  });

  it("of a newer version is refused and left as it was", async () => {
    await play();
    const text = '{"type":"session","version":9,"id":"x"}\n{"type":"hologram"}';
    writeFileSync(join(cwd, "s.jsonl"), text);
    const { code, stderr } = await run(["--session", "s.jsonl", "go"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/version 9/);
    expect(readFileSync(join(cwd, "s.jsonl"), "utf8")).toBe(text);
    expect(provider.requests).toHaveLength(0);
  });

  it("that nobody can write costs the file, not the run", async () => {
    await play({ text: "ok" });
    const result = await run(["--model", "gpt-x", "go"], { env: { AI_AGENT_SESSION_DIR: "/proc/nowhere" } });
    expect(result).toMatchObject({ code: 0, stdout: "ok\n", stderr: expect.stringContaining("not kept") });
  });
});

it("a stream that is started again prints its answer once", async () => {
  const half = 'data: {"choices":[{"index":0,"delta":{"content":"the ans"}}]}\n\n';
  await play(
    { status: 200, headers: { "content-type": "text/event-stream" }, body: half, cut: true },
    { text: "the answer" },
  );
  const { code, stdout, stderr } = await run(["--model", "gpt-x", "go"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "the answer\n" });
  expect(stderr).toMatch(/\[retry 1 /);
});
