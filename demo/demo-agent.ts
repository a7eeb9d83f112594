/**
 * `npm run demo:agent`: the agent mends a small repository through a real gateway with a virtual key. The embedded
 * provider plays the model by a script; the diff and the rows are what came of it. Exits 0, or 1 if a promise is broken.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTwoFilesPatch } from "diff";
import { Hono } from "hono";
import { nodeRuntime } from "../adapters/node/runtime.ts";
import { generateKeyPair } from "../adapters/server/cli/keygen.ts";
import { formatRowLine } from "../adapters/server/cli/row-line.ts";
import { createEmbeddedProvider } from "../src/embedded/provider.ts";
import { createGateway, mintVirtualKey, type UsageRow } from "../src/index.ts";
import { decodeBase64Any } from "../src/keys/base64url.ts";

const BIN = fileURLToPath(new URL("../adapters/node/agent/bin.ts", import.meta.url));
const LOOPBACK = { host: "127.0.0.1", port: 0 };
const POOL_KEY = "sk-ant-pool-key-of-anthropic";
const KID = 1;

const BROKEN = "export const add = (a, b) => a - b;\n";
const CHECK =
  'import { add } from "./add.js";\nif (add(2, 3) !== 5) throw new Error("2 + 3 is not " + add(2, 3));\nconsole.log("1 test passed");\n';
const ANSWER = "add subtracted; it adds now, and the test passes.";

/** The model's lines, one a turn: a tool call, or the answer at the end. */
const SCRIPT: readonly ({ name: string; input: Record<string, string> } | string)[] = [
  { name: "ls", input: {} },
  { name: "read", input: { path: "add.js" } },
  { name: "edit", input: { path: "add.js", old_string: "a - b", new_string: "a + b" } },
  { name: "bash", input: { command: "node test.js" } },
  ANSWER,
];

/** The embedded provider says what it is asked to: each request is put in the place of the next line of the script. */
function createActor(seen: string[]): Hono {
  const provider = createEmbeddedProvider({ apiKey: POOL_KEY });
  let turn = 0;
  return new Hono().post("*", async ({ req }) => {
    const text = await req.raw.text();
    seen.push(JSON.stringify([...req.raw.headers]) + text);
    const line = SCRIPT[turn++] ?? ANSWER;
    const { model } = JSON.parse(text);
    const asked = { model, stream: true, max_tokens: 1_000, ...direction(line) };
    return provider(
      new Request(req.raw.url, { method: "POST", headers: req.raw.headers, body: JSON.stringify(asked) }),
    );
  });
}

/** It echoes a text, and calls a tool that the text names with the first value that each property allows. */
function direction(line: (typeof SCRIPT)[number]): object {
  if (typeof line === "string") return { messages: [{ role: "user", content: line }] };
  const properties = Object.fromEntries(
    Object.entries(line.input).map(([name, value]) => [name, { enum: [value] }]),
  );
  const input_schema = { type: "object", properties, required: Object.keys(line.input) };
  return { messages: [{ role: "user", content: line.name }], tools: [{ name: line.name, input_schema }] };
}

/** The one place where the promises are counted. */
let broken = 0;
function check(promise: string, isKept: boolean, shown = ""): void {
  if (!isKept) broken += 1;
  console.log(
    `  ${isKept ? "✓" : "✗ BROKEN:"} ${promise}${shown === "" ? "" : `\n${shown.replace(/^/gm, "      ")}`}`,
  );
}

async function runAgent(
  repo: string,
  url: string,
  key: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [BIN, "run", "--model", "claude-demo", "make the test pass"], {
    cwd: repo,
    env: {
      PATH: process.env.PATH,
      HOME: repo,
      AI_GATEWAY_URL: url,
      AI_AGENT_KEY: key,
      AI_AGENT_SESSION_DIR: join(repo, ".sessions"),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      said[name] += chunk;
    });
  }
  const [code] = await once(child, "close");
  return { code, ...said };
}

async function play(repo: string): Promise<void> {
  const seen: string[] = [];
  const rows: UsageRow[] = [];
  const pair = await generateKeyPair(KID);
  const actor = await nodeRuntime.listenApp(createActor(seen), LOOPBACK);
  const gateway = createGateway({
    signingKeys: { [KID]: pair.public_key },
    poolKeys: { anthropic: POOL_KEY },
    providerAuthorities: { anthropic: `127.0.0.1:${actor.port}` },
    upstreamTls: false,
    onUsage: (row) => {
      rows.push(row);
    },
  });
  const front = await nodeRuntime.listenApp(gateway, LOOPBACK);
  const url = `http://127.0.0.1:${front.port}`;
  // Justified: generateKeyPair has just encoded it.
  const secretKey = decodeBase64Any(pair.secret_key)!;
  const key = await mintVirtualKey({ secretKey, kid: KID, tenantId: "42", vpcId: "1", keyId: "7" });

  console.log(`beyond-ai agent demo: a gateway at ${url}, a repository at ${repo}, no network\n`);
  check("before: the test fails", spawnSync(process.execPath, ["test.js"], { cwd: repo }).status !== 0);
  const { code, stdout, stderr } = await runAgent(repo, url, key);
  check(
    "the agent lists, reads, edits and runs the test, and says so on stderr",
    code === 0,
    stderr.trimEnd(),
  );
  check("stdout has its answer and nothing else", stdout === `You said: ${ANSWER}\n`, stdout.trimEnd());
  const diff = createTwoFilesPatch(
    "a/add.js",
    "b/add.js",
    BROKEN,
    readFileSync(join(repo, "add.js"), "utf8"),
  );
  check(
    "the diff that it made",
    diff.includes("+export const add = (a, b) => a + b;"),
    diff.split("\n").slice(1).join("\n").trimEnd(),
  );
  check("after: the test passes", spawnSync(process.execPath, ["test.js"], { cwd: repo }).status === 0);
  check(
    "the provider saw the pool key and never the virtual key",
    seen.every((request) => request.includes(POOL_KEY) && !request.includes("bai_")),
  );
  const isTrue = rows.every(
    (row) => row.tenant_id === "42" && row.outcome === "ok" && row.usage_source === "reported",
  );
  check(
    "one row a turn, each of them reported",
    rows.length === SCRIPT.length && isTrue,
    rows.map(formatRowLine).join("\n"),
  );
  actor.destroy();
  front.destroy();
}

const repo = realpathSync(mkdtempSync(join(tmpdir(), "beyond-ai-demo-")));
try {
  writeFileSync(join(repo, "package.json"), '{"type":"module"}\n');
  writeFileSync(join(repo, "add.js"), BROKEN);
  writeFileSync(join(repo, "test.js"), CHECK);
  await play(repo);
} catch (error) {
  check("the demo plays to its end", false, error instanceof Error ? error.message : String(error));
} finally {
  rmSync(repo, { recursive: true, force: true });
}
console.log(broken === 0 ? "\nEvery promise kept.\n" : `\nBroken promises: ${broken}\n`);
process.exit(broken === 0 ? 0 : 1);
