/** The examples as they stand, against a stand-in provider. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { json } from "../support/answers.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import { mint } from "../support/mint.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";

const ANSWER = { model: "m-1", usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } };
const KEY = mint({ tenantId: "42" });

let standIn: StandIn;
let environment: Record<string, string>;

beforeAll(async () => {
  standIn = await startStandIn(json(200, ANSWER));
  environment = {
    OPENAI_API_KEY: "pool-key-of-the-examples",
    SIGNING_KEY: readKeyVectors().signing_keys["1"]!,
    UPSTREAM: standIn.authority,
  };
});
beforeEach(() => standIn.reset());
afterAll(() => standIn.close());

interface Handler {
  fetch(request: Request): Response | Promise<Response>;
}

function post(url: string, key = KEY): Request {
  return new Request(url, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "m-1", messages: [{ role: "user", content: "hello" }] }),
  });
}

/** Loads an example afresh, with the environment that it reads and its rows in a list. */
async function load(file: string): Promise<{ module: Record<string, unknown>; rows: string[] }> {
  vi.resetModules();
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const rows: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line) => void rows.push(String(line)));
  return { module: await import(file), rows };
}

async function expectRelayed(answer: Response | Promise<Response>): Promise<void> {
  const response = await answer;
  expect(await response.json()).toEqual(ANSWER);
  const seen = await standIn.take();
  expect([seen.target, seen.header("authorization")]).toEqual([
    "/v1/chat/completions",
    ["Bearer pool-key-of-the-examples"],
  ]);
}

describe("an example", () => {
  for (const [file, url] of [
    ["fetch-handler", "http://x/v1/chat/completions"],
    ["hono-route", "http://x/teams/blue/ai/v1/chat/completions"],
    ["hono-mount", "http://x/ai/v1/chat/completions"],
    ["two-gateways", "http://x/ai/v1/chat/completions"],
  ] as const) {
    it(`relays and meters: ${file}`, async () => {
      const { module, rows } = await load(`../../examples/${file}.ts`);
      await expectRelayed((module.default as Handler).fetch(post(url)));
      expect(rows.map((row) => JSON.parse(row))).toMatchObject([
        { tenant_id: 42, input_tokens: 3, output_tokens: 4 },
      ]);
    });
  }

  it("keeps the virtual keys of one gateway from the other: two-gateways", async () => {
    const { module } = await load("../../examples/two-gateways.ts");
    const response = await (module.default as Handler).fetch(post("http://x/playground/v1/chat/completions"));
    expect(response.status).toBe(401);
  });

  it("lets the app's middleware see its path's parameter: hono-route", async () => {
    const { module } = await load("../../examples/hono-route.ts");
    const response = await (module.default as Handler).fetch(
      post("http://x/teams/blue/ai/v1/chat/completions"),
    );
    expect(response.headers.get("x-team")).toBe("blue");
  });

  it("serves every method from a Next.js route handler: nextjs", async () => {
    const { module } = await load("../../examples/nextjs/app/api/ai/[...path]/route.ts");
    const handlers = module as Record<"GET" | "POST", Handler["fetch"]>;
    await expectRelayed(handlers.POST(post("http://x/api/ai/v1/chat/completions")));
    const models = new Request("http://x/api/ai/v1/models", { headers: { authorization: `Bearer ${KEY}` } });
    expect((await handlers.GET(models)).status).toBe(200);
    expect((await standIn.take()).target).toBe("/v1/models");
  });

  it("answers in process and hands its rows over: own-ports", async () => {
    const { module } = await load("../../examples/own-ports.ts");
    const { fetch } = module.default as Handler;
    const response = await fetch(post("http://x/v1/chat/completions"));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ object: "chat.completion" });
    expect(module.rows).toMatchObject([{ tenant_id: "42", usage_source: "reported" }]);
    expect((await fetch(post("http://x/v1/chat/completions", mint({ tenantId: "666" })))).status).toBe(402);
    expect(standIn.requests).toEqual([]);
  });

  it("runs as a program on Node: node-server", async () => {
    const child = spawn(process.execPath, ["examples/node-server.ts"], {
      env: { ...process.env, ...environment, PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    try {
      const [said] = await once(createInterface({ input: child.stderr }), "line");
      await expectRelayed(fetch(post(String(said).replace("POST ", ""))));
      const [row] = await once(createInterface({ input: child.stdout }), "line");
      expect(JSON.parse(String(row))).toMatchObject({ tenant_id: 42, outcome: "ok" });
    } finally {
      child.kill();
      await exited;
    }
  });

  it("runs as a program on Bun: fetch-handler", async () => {
    const child = spawn("node_modules/.bin/bun", ["examples/fetch-handler.ts"], {
      env: { ...process.env, ...environment, BUN_PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    try {
      const stdout = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const { value: started } = await stdout.next();
      const { origin } = new URL(/https?:\S+/.exec(String(started))![0]);
      await expectRelayed(fetch(post(`${origin}/v1/chat/completions`)));
      const { value: row } = await stdout.next();
      expect(JSON.parse(String(row))).toMatchObject({ tenant_id: 42, outcome: "ok" });
    } finally {
      child.kill();
      await exited;
    }
  });
});
