import {
  existsSync,
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
import { type AgentRun, jsonLines, startAgent } from "../support/agent-process.ts";
import { isAlive } from "../support/alive.ts";
import { type Reply, type StrictProvider, startStrictProvider } from "../support/strict-provider.ts";
import { until } from "../support/until.ts";

const key = "bai_v1.1.topsecret.signature";
type Frame = Record<string, unknown>;

let cwd: string;
let provider: StrictProvider;
let agents: Served[];

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), "agent-serve-")));
  agents = [];
});
afterEach(async () => {
  for (const agent of agents) agent.run.child.kill("SIGKILL");
  await provider?.stop();
  rmSync(cwd, { recursive: true, force: true });
});

async function play(...script: readonly Reply[]): Promise<void> {
  provider = await startStrictProvider((index) => script[index] ?? { text: "(end of script)" });
}

/** A controller: sends commands and waits for frames. */
interface Served {
  readonly run: AgentRun;
  frames(): Frame[];
  raw(text: string | Buffer): void;
  /** Sends a command and waits for its response. */
  ask(command: Frame): Promise<Frame>;
  wait(matches: (frame: Frame) => boolean): Promise<Frame>;
}

async function serve(args: readonly string[] = ["--session-file", "s.jsonl"]): Promise<Served> {
  const run = startAgent(["serve", "--model", "claude-test", ...args], {
    cwd,
    env: { AI_AGENT_KEY: key, AI_GATEWAY_URL: provider.url },
  });
  // A frame is whole once its line feed is there.
  const frames = () => jsonLines(run.stdout().slice(0, run.stdout().lastIndexOf("\n") + 1));
  let asked = 0;
  const served: Served = {
    run,
    frames,
    raw: (text) => {
      run.child.stdin.write(text);
    },
    ask(command) {
      const id = `id-${asked++}`;
      run.child.stdin.write(`${JSON.stringify({ ...command, id })}\n`);
      return served.wait((frame) => frame.type === "response" && frame.id === id);
    },
    wait: (matches) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = frames().find(matches);
          if (!found) return;
          run.child.stdout.off("data", look);
          resolve(found);
        };
        run.child.stdout.on("data", look);
        run.exited.then((code) => reject(new Error(`serve ended with ${code}: ${run.stderr()}`)));
        look();
      }),
  };
  agents.push(served);
  await served.wait((frame) => frame.type === "ready");
  return served;
}

async function end(served: Served): Promise<number | string> {
  served.run.child.stdin.end();
  return served.run.exited;
}

describe("serve", () => {
  it("says ready first, streams a prompt's events before its response, and puts nothing else on stdout", async () => {
    await play({ calls: [{ name: "ls", input: {} }] }, { text: "an answer\u2028in two" });
    const served = await serve();
    const response = await served.ask({ type: "prompt", message: "go\u2028on" });
    expect(response).toMatchObject({
      type: "response",
      command: "prompt",
      success: true,
      data: { stop_reason: "end_turn", usage: { input_tokens: 200, output_tokens: 20 } },
    });
    const frames = served.frames();
    expect(frames[0]).toMatchObject({
      type: "ready",
      model: "claude-test",
      cwd,
      session_id: expect.any(String),
    });
    expect(frames.slice(1, -1).every((frame) => frame.type === "event")).toBe(true);
    expect(frames.at(-2)).toEqual({
      type: "event",
      event: { kind: "agent_end", steps: 2, stop_reason: "end_turn" },
    });
    expect(frames.at(-1)).toEqual(response);
    expect(JSON.stringify(provider.requests[0]!.body.messages)).toContain("go\u2028on");
    expect(await served.ask({ type: "get_last_assistant_text" })).toMatchObject({
      data: { text: "an answer\u2028in two" },
    });
    expect(await end(served)).toBe(0);
    expect(provider.refused).toEqual([]);
    expect(
      served.run.stdout() + served.run.stderr() + readFileSync(join(cwd, "s.jsonl"), "utf8"),
    ).not.toContain("topsecret");
  });

  it("answers reads, steer and abort while a prompt runs, and says busy to anything else", async () => {
    await play({ hang: "" }, { text: "ok" });
    const served = await serve();
    const prompt = served.ask({ type: "prompt", message: "go" });
    await provider.seen(1);
    expect(await served.ask({ type: "get_state" })).toMatchObject({
      success: true,
      data: { running: true, messages: 1 },
    });
    for (const type of ["prompt", "compact", "new_session", "set_model", "fork"]) {
      expect(await served.ask({ type, message: "x", model: "m" })).toMatchObject({
        success: false,
        error: expect.stringMatching(/^busy: /),
      });
    }
    expect(await served.ask({ type: "steer", message: "left" })).toMatchObject({ success: true });
    expect(await served.ask({ type: "follow_up", message: "later" })).toMatchObject({ success: true });
    expect(await served.ask({ type: "abort" })).toMatchObject({
      data: { unsaid: { steer: ["left"], follow_up: ["later"] } },
    });
    expect(await prompt).toMatchObject({ success: false, error: "aborted" });
    expect(await served.ask({ type: "prompt", message: "again" })).toMatchObject({ success: true });
  });

  it("takes a steer into the results of the tools that run", async () => {
    await play(
      { calls: [{ name: "bash", input: { command: "until [ -e go ]; do sleep 0.01; done" } }] },
      { text: "ok" },
    );
    const served = await serve();
    const prompt = served.ask({ type: "prompt", message: "go" });
    await served.wait((frame) => JSON.stringify(frame).includes("tool_start"));
    await served.ask({ type: "steer", message: "look left" });
    writeFileSync(join(cwd, "go"), "");
    expect(await prompt).toMatchObject({ success: true });
    expect(provider.requests[1]!.body.messages).toMatchObject([
      {},
      {},
      { content: [{ type: "tool_result" }, { type: "text", text: "look left" }] },
    ]);
  });

  it.each<[string, string | Buffer, RegExp, string]>([
    ["JSON that is cut in half", '{"type":"prompt","mess\n', /bad JSON/, "?"],
    ["a JSON value that is no object", "[1]\n", /object with a "type"/, "?"],
    ["an object without a type", '{"id":"x"}\n', /object with a "type"/, "?"],
    ["bytes that are no UTF-8", Buffer.from('{"type":"\xff"}\n', "latin1"), /not UTF-8/, "?"],
    ["an unknown command", '{"type":"fly"}\n', /unknown command "fly"/, "fly"],
    [
      "a command named like a property of every object",
      '{"type":"constructor"}\n',
      /unknown command/,
      "constructor",
    ],
    ["a prompt without a message", '{"type":"prompt"}\n', /message: want/, "prompt"],
    [
      "an image that is none",
      '{"type":"prompt","message":"x","images":[{"data":"?"}]}\n',
      /images: want/,
      "prompt",
    ],
    ["a budget that is too small", '{"type":"set_thinking","budget":7}\n', /budget: want/, "set_thinking"],
    [
      "a session that is none",
      '{"type":"switch_session","session_id":"../x"}\n',
      /no session/,
      "switch_session",
    ],
    ["a fork from nowhere", '{"type":"fork","upto":"x"}\n', /no message with the id "x"/, "fork"],
  ])("answers %s with an error and goes on", async (_, line, error, command) => {
    await play();
    const served = await serve();
    served.raw(line);
    const response = await served.wait((frame) => frame.type === "response");
    expect(response).toMatchObject({ command, success: false, error: expect.stringMatching(error) });
    expect(await served.ask({ type: "get_state" })).toMatchObject({ success: true });
  });

  it("throws a line of 50 MB away, says so, and takes the next command", async () => {
    await play();
    const served = await serve();
    const mib = Buffer.alloc(1024 * 1024, "x");
    for (let n = 0; n < 50; n++) served.raw(mib);
    served.raw("\n\r\n\n");
    const response = await served.wait((frame) => frame.type === "response");
    expect(response).toMatchObject({
      command: "?",
      success: false,
      error: expect.stringMatching(/^line of 52428800 bytes/),
    });
    expect(await served.ask({ type: "get_state" })).toMatchObject({ success: true });
  });

  it("reads a command that arrives byte by byte, and a last one without its line feed", async () => {
    await play();
    const served = await serve();
    for (const byte of Buffer.from('{"type":"get_state","id":"ü"}\n')) served.raw(Buffer.from([byte]));
    await served.wait((frame) => frame.id === "ü");
    served.raw('{"type":"get_messages","id":7}');
    expect(await end(served)).toBe(0);
    expect(served.frames().at(-1)).toMatchObject({ id: 7, command: "get_messages", success: true });
  });

  it("cancels, persists and answers at the end of stdin", async () => {
    await play({ hang: "" }, { text: "ok" });
    const served = await serve();
    served.raw('{"type":"prompt","message":"remember me","id":1}\n');
    await provider.seen(1);
    expect(await end(served)).toBe(0);
    expect(served.frames().at(-1)).toMatchObject({ id: 1, success: false, error: "aborted" });
    const again = await serve();
    expect(await again.ask({ type: "get_messages" })).toMatchObject({
      data: { messages: [{ content: [{ text: "remember me" }] }] },
    });
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
  ] as const)("ends a running command on %s", async (signal, code) => {
    await play({
      calls: [{ name: "bash", input: { command: "trap '' TERM; sleep 1000 & echo $! > pid; wait" } }],
    });
    const served = await serve();
    served.raw('{"type":"prompt","message":"go","id":1}\n');
    const file = join(cwd, "pid");
    await until(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"));
    served.run.child.kill(signal);
    expect(await served.run.exited).toBe(code);
    expect(served.frames().at(-1)).toMatchObject({ id: 1, success: false });
    await until(() => !isAlive(Number(readFileSync(file, "utf8"))));
  });

  it("ends when nobody reads its stdout any more", async () => {
    await play({ text: "x".repeat(200_000) });
    const served = await serve();
    served.run.child.stdout.destroy();
    served.raw('{"type":"prompt","message":"go"}\n');
    expect(await served.run.exited).toBe(0);
  });
});

describe("the sessions of serve", () => {
  it("are made, listed, named, switched and forked", async () => {
    await play({ text: "one" }, { text: "two" }, { text: "three" });
    const served = await serve(["--session-dir", "sessions"]);
    const first = served.frames()[0]!.session_id;
    await served.ask({ type: "prompt", message: "first" });
    await served.ask({ type: "set_session_name", title: "work" });
    expect(await served.ask({ type: "new_session" })).toMatchObject({ success: true });
    await served.ask({ type: "prompt", message: "second" });
    expect(await served.ask({ type: "list_sessions" })).toMatchObject({
      data: {
        sessions: expect.arrayContaining([
          expect.objectContaining({ session_id: first, title: "work", messages: 2 }),
        ]),
      },
    });
    expect(await served.ask({ type: "switch_session", session_id: first })).toMatchObject({
      data: { session_id: first, title: "work", messages: 2 },
    });
    const listed = await served.ask({ type: "get_messages" });
    const messages = (listed.data as { messages: { id: string }[] }).messages;
    const fork = await served.ask({ type: "fork", upto: messages[0]!.id });
    expect(fork).toMatchObject({ success: true, data: { parent: first, messages: 1 } });
    await served.ask({ type: "prompt", message: "third" });
    expect(provider.requests[2]!.body.messages).toMatchObject([
      { content: [{ text: "first" }, { text: "third" }] },
    ]);
    expect(readdirSync(join(cwd, "sessions"))).toHaveLength(3);
    expect(await end(served)).toBe(0);
  });

  it("keep the model that was set, and thinking goes out with the budget that was set", async () => {
    await play({ thinking: "hm", text: "one" }, { text: "two" });
    const served = await serve();
    expect(await served.ask({ type: "set_thinking", budget: 2048 })).toMatchObject({
      data: { budget: 2048 },
    });
    await served.ask({ type: "prompt", message: "a" });
    expect(provider.requests[0]!.body).toMatchObject({ thinking: { type: "enabled", budget_tokens: 2048 } });
    expect(await served.ask({ type: "set_model", model: "gpt-test" })).toMatchObject({
      data: { model: "gpt-test" },
    });
    await served.ask({ type: "prompt", message: "b" });
    expect(provider.requests[1]).toMatchObject({ path: "/v1/chat/completions", body: { model: "gpt-test" } });
    expect(await served.ask({ type: "get_session_stats" })).toMatchObject({
      data: { usage: { input_tokens: 200 }, messages: 4 },
    });
    expect(provider.refused).toEqual([]);
  });

  it("are compacted on demand", async () => {
    await play({ text: "one" }, { text: "SUMMARY" });
    const served = await serve();
    expect(await served.ask({ type: "compact" })).toMatchObject({
      success: true,
      data: { compacted: false },
    });
    await served.ask({ type: "prompt", message: "a" });
    expect(await served.ask({ type: "compact" })).toMatchObject({ success: true, data: { compacted: true } });
    expect(JSON.stringify(await served.ask({ type: "get_messages" }))).toContain("SUMMARY");
  });

  it("describe their commands", async () => {
    await play();
    const served = await serve();
    const { data } = await served.ask({ type: "get_commands" });
    expect((data as { commands: { name: string }[] }).commands.map((command) => command.name)).toEqual(
      expect.arrayContaining([
        "prompt",
        "steer",
        "follow_up",
        "abort",
        "get_state",
        "get_messages",
        "fork",
        "compact",
      ]),
    );
  });
});
