import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createFetch } from "../../adapters/node/agent/fetch.ts";
import { openSessionFile } from "../../adapters/node/agent/session-files.ts";
import { createAgent, createGatewayTransport, type Session } from "../../src/agent/index.ts";
import { startAgent } from "../support/agent-process.ts";
import { type Reply, startStrictProvider } from "../support/strict-provider.ts";

const kills = 100;
const lanes = 4;

/** What the run is told: calls side by side, an edit, a command, thinking. */
const script: readonly Reply[] = [
  {
    thinking: "look",
    calls: [
      { name: "ls", input: {} },
      { name: "read", input: { path: "notes.txt" } },
      { name: "read", input: { path: "none" } },
    ],
  },
  {
    thinking: "edit",
    text: "Editing.",
    calls: [{ name: "edit", input: { path: "notes.txt", old_string: "old", new_string: "new" } }],
  },
  {
    calls: [
      { name: "bash", input: { command: "cat notes.txt" } },
      { name: "write", input: { path: "more.txt", content: "x" } },
    ],
  },
  { text: "Done." },
];

/** About as many events as the script makes; a kill beyond the last comes after the end. */
const eventsOfARun = 60;

describe("a session killed at a random moment", () => {
  it(`resumes to a transcript that the strict stand-in accepts, ${kills} times`, {
    timeout: 600_000,
  }, async () => {
    const moments = Array.from({ length: kills }, () => Math.floor(Math.random() * eventsOfARun));
    const resumed = { withTools: 0, total: 0 };
    async function lane(): Promise<void> {
      for (let moment = moments.pop(); moment !== undefined; moment = moments.pop()) {
        const messages = await killAndResume(moment);
        resumed.total++;
        if (messages > 2) resumed.withTools++;
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane));
    expect(resumed.total).toBe(kills);
    // Otherwise the kills would all have come before anything was worth keeping.
    expect(resumed.withTools).toBeGreaterThan(kills / 4);
  });
});

/** Kills after `moment` events. Gives how many messages the session had then. */
async function killAndResume(moment: number): Promise<number> {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), "agent-kill-")));
  const provider = await startStrictProvider((index) => script[index] ?? { text: "resumed" });
  try {
    writeFileSync(join(cwd, "notes.txt"), "old\n");
    const path = join(cwd, "s.jsonl");
    await killAfter(moment, cwd, provider.url);
    const session = existsSync(path) ? await openSessionFile(path) : undefined;
    if (!session) return 0;
    const messages = session.messages.length;
    await resume(session, provider.url, moment);
    expect(provider.refused, `killed after ${moment} events`).toEqual([]);
    // The file itself is as sound as what was made of it.
    await session.close();
    const again = await openSessionFile(path);
    await again?.close();
    expect(again?.messages).toEqual(session.messages);
    return messages;
  } finally {
    await provider.stop();
    rmSync(cwd, { recursive: true, force: true });
  }
}

async function killAfter(moment: number, cwd: string, url: string): Promise<void> {
  const args = [
    "run",
    "--json",
    "--thinking",
    "1024",
    "--model",
    "claude-test",
    "--session",
    "s.jsonl",
    "change the notes",
  ];
  const agent = startAgent(args, { cwd, env: { AI_AGENT_KEY: "bai_v1.test", AI_GATEWAY_URL: url } });
  let seen = 0;
  agent.child.stdout.on("data", (text: string) => {
    seen += text.split("\n").length - 1;
    if (seen > moment) agent.child.kill("SIGKILL");
  });
  await agent.exited;
}

async function resume(session: Session, url: string, moment: number): Promise<void> {
  const transport = createGatewayTransport({ baseUrl: url, key: "bai_v1.test", fetch: createFetch() });
  const agent = createAgent({ transport, session, thinkingBudget: 1024, maxSteps: 10 });
  const result = await agent.prompt("go on");
  expect(result, `killed after ${moment} events`).toMatchObject({ ok: true });
}
