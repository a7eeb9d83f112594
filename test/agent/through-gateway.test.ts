import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonLines, runAgent, startAgent } from "../support/agent-process.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import type { RunningGateway } from "../support/gateway-process.ts";
import { mint } from "../support/mint.ts";
import { startOnNode } from "../support/runtimes.ts";
import { type Reply, type StrictProvider, startStrictProvider } from "../support/strict-provider.ts";

const key = mint({ tenantId: "42", keyId: "7" });
const denied = mint({ tenantId: "666" });
const poolKey = "pool-key-0c9f";
const providers = ["openai", "anthropic", "groq", "openrouter"];

const task: readonly Reply[] = [
  {
    calls: [
      { name: "read", input: { path: "notes.txt" } },
      { name: "bash", input: { command: "env" } },
    ],
  },
  { calls: [{ name: "edit", input: { path: "notes.txt", old_string: "old", new_string: "new" } }] },
  { text: "Done." },
];

let provider: StrictProvider;
let gateway: RunningGateway;
let cwd: string;
let turn = 0;

beforeAll(async () => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), "agent-gateway-")));
  provider = await startStrictProvider(() => task[turn++] ?? { text: "(end of script)" });
  const authority = new URL(provider.url).host;
  gateway = await startOnNode({
    deny: { "blackhole.666": "spend" },
    config: {
      listen: "127.0.0.1:0",
      metrics_listen: "127.0.0.1:0",
      shutdown_delay_secs: 0,
      upstream_tls: false,
      signing_keys: readKeyVectors().signing_keys,
      pool_keys: Object.fromEntries(providers.map((name) => [name, poolKey])),
      provider_authorities: Object.fromEntries(providers.map((name) => [name, authority])),
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await provider?.stop();
  rmSync(cwd, { recursive: true, force: true });
});

function env(credential: string): Record<string, string> {
  return { AI_AGENT_KEY: credential, AI_GATEWAY_URL: gateway.url };
}

describe("through the real gateway", () => {
  it.each([
    ["claude-test", "anthropic", "/v1/messages"],
    ["gpt-test", "openai", "/v1/chat/completions"],
    ["groq:llama-test", "groq", "/openai/v1/chat/completions"],
    ["openrouter:anthropic/claude-test", "openrouter", "/api/v1/messages"],
  ])(
    "run with %s does the task; the provider sees the pool key alone, and each turn has its row",
    async (model, name, path) => {
      turn = 0;
      const before = { requests: provider.requests.length, rows: gateway.rows().length };
      writeFileSync(join(cwd, "notes.txt"), "old\n");
      const { code, stdout } = await runAgent(["run", "--model", model, "go"], { cwd, env: env(key) });
      expect({ code, stdout, refused: provider.refused }).toEqual({
        code: 0,
        stdout: "Done.\n",
        refused: [],
      });
      expect(readFileSync(join(cwd, "notes.txt"), "utf8")).toBe("new\n");
      const requests = provider.requests.slice(before.requests);
      expect(requests.map((request) => request.path)).toEqual([path, path, path]);
      for (const { headers, raw } of requests) {
        expect(headers["x-api-key"] ?? headers.authorization).toContain(poolKey);
        expect(JSON.stringify(headers) + raw).not.toContain("bai_v");
      }
      const rows = (await gateway.waitForRows(before.rows + 3)).slice(before.rows);
      for (const row of rows) {
        expect(row).toMatchObject({
          provider: name,
          outcome: "ok",
          usage_source: "reported",
          input_tokens: 100,
          output_tokens: 10,
        });
      }
    },
  );

  it("serve answers a prompt in the same way", async () => {
    turn = 2;
    const agent = startAgent(["serve", "--model", "claude-test"], { cwd, env: env(key) });
    agent.child.stdin.write('{"type":"prompt","message":"go","id":1}\n');
    agent.child.stdout.on("data", () => {
      if (agent.stdout().includes('"command":"prompt"')) agent.child.stdin.end();
    });
    expect(await agent.exited).toBe(0);
    const frames = jsonLines(agent.stdout());
    expect(frames[0]).toMatchObject({ type: "ready" });
    expect(frames.at(-1)).toMatchObject({ id: 1, success: true, data: { stop_reason: "end_turn" } });
  });

  it("a denied tenant is told so at once, and the provider hears nothing", async () => {
    const before = provider.requests.length;
    const { code, stdout } = await runAgent(["run", "--json", "--model", "claude-test", "go"], {
      cwd,
      env: env(denied),
    });
    expect(code).toBe(1);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ kind: "error", code: "spend_denied" });
    expect(stdout).not.toContain('"retry"');
    expect(provider.requests).toHaveLength(before);
  });

  it("a key that does not verify is an error that does not repeat it", async () => {
    const { code, stderr } = await runAgent(["run", "--model", "gpt-test", "go"], {
      cwd,
      env: env(`${key}x`),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/invalid_key/);
    expect(stderr).not.toContain(key);
  });
});
