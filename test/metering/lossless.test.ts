/** One row for each admitted managed request, whatever happens to sinks, readers and the process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "smol-toml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeRuntime } from "../../adapters/node/runtime.ts";
import { startGateway } from "../../adapters/server/serve.ts";
import { configFrom } from "../../src/config/parse.ts";
import { createGateway } from "../../src/index.ts";
import { baseSetup } from "../conformance/setups.ts";
import { gated, hangMidBody, json } from "../support/answers.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import { formatRequest, openRaw, type RawResponse } from "../support/raw-http.ts";
import { parseRow } from "../support/rows.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { CHAT, chat, delta, KEY, post, SSE, useLab } from "./lab.ts";

/** Each row carries about this many bytes of usage object, so that a few hundred fill any pipe. */
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, pad: "x".repeat(1500) };
const REQUESTS = 600;
const PROJECT = new URL("../..", import.meta.url);

const RUNTIMES = {
  Node: [process.execPath, "adapters/node/bin.ts"],
  Bun: ["node_modules/.bin/bun", "adapters/bun/bin.ts"],
} as const;

let standIn: StandIn;
let folder: string;
beforeAll(async () => {
  standIn = await startStandIn(json(200, { choices: [], usage: USAGE }));
  folder = mkdtempSync(join(tmpdir(), "beyond-ai-rows-"));
});
afterAll(async () => {
  await standIn.close();
  rmSync(folder, { recursive: true });
});

interface Unread {
  readonly child: ChildProcess;
  readonly url: string;
  readonly adminUrl: string;
  stderr(): string;
}

/** A gateway whose stdout nobody reads yet. */
async function startUnread([program, script]: readonly [string, string]): Promise<Unread> {
  const configFile = join(folder, "config.toml");
  writeFileSync(configFile, stringify(baseSetup(standIn.authority).config));
  const child = spawn(program, [script, "serve", "--config", configFile], {
    cwd: PROJECT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => lines.push(line));
  await until(() => lines.some((line) => line.includes('"listening"')));
  const listening: { url: string; admin_url: string } = JSON.parse(
    lines.find((line) => line.includes('"listening"')) ?? "",
  );
  return { child, url: listening.url, adminUrl: listening.admin_url, stderr: () => lines.join("\n") };
}

/** One request after the other on one connection; their ids in the order of their ends. */
async function askInOrder(url: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  const connection = await openRaw(url);
  for (let n = 0; n < count; n++) {
    connection.send(
      formatRequest(url, {
        method: "POST",
        target: CHAT,
        headers: [["authorization", `Bearer ${KEY}`]],
        body: JSON.stringify(chat()),
      }),
    );
    const response: RawResponse = await connection.readResponse();
    expect(response.status).toBe(200);
    ids.push(response.header("x-beyond-request-id")[0] ?? "");
  }
  connection.destroy();
  return ids;
}

async function readRows(child: ChildProcess): Promise<string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout!) chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString("utf8").split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => parseRow(line).request_id);
}

for (const [name, command] of Object.entries(RUNTIMES)) {
  describe(`a stalled stdout reader on ${name}`, () => {
    it("stalls no request, and gets every row in the order of their ends when it reads again", async () => {
      const gateway = await startUnread(command);
      const ids = await askInOrder(gateway.url, REQUESTS);
      const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      expect(metrics).toMatch(/^ai_usage_write_errors_total 0$/m);
      // The signal comes while most of the rows still wait.
      gateway.child.kill("SIGTERM");
      const ended = once(gateway.child, "exit");
      expect(await readRows(gateway.child)).toEqual(ids);
      expect(await ended).toEqual([0, null]);
    });

    it("that never comes back does not keep a second signal waiting", async () => {
      const gateway = await startUnread(command);
      await askInOrder(gateway.url, REQUESTS);
      gateway.child.kill("SIGTERM");
      await until(() => gateway.stderr().includes('"draining"'));
      const ended = once(gateway.child, "exit");
      gateway.child.kill("SIGINT");
      expect(await ended).toEqual([130, null]);
    });
  });
}

describe("a shutdown", () => {
  const lab = useLab({ shutdown_grace_period_secs: 20 });

  it("lets a stream finish and writes its row", async () => {
    const body = gated(SSE);
    lab.standIn.setDefault(body.answer);
    const connection = await post(lab, { target: CHAT, body: chat({ stream: true }) });
    await connection.readHead();
    const row = lab.gateway.waitForRow(() => true);
    const stopped = lab.gateway.stop();
    await until(() => /"draining"/.test(lab.gateway.stderr()));
    await body.release(delta("x".repeat(45)));
    body.end();
    expect((await connection.readBody()).clean).toBe(true);
    expect(await row).toMatchObject({ usage_source: "estimated", output_tokens: 10, status: 200 });
    await stopped;
  });
});

describe("the end of the grace period", () => {
  const lab = useLab({ shutdown_grace_period_secs: 1 });

  it("cuts off what is in flight, and not its rows", async () => {
    lab.standIn.setDefault(hangMidBody(SSE, delta("x".repeat(45))));
    const connections = await Promise.all(
      Array.from({ length: 20 }, () => post(lab, { target: CHAT, body: chat({ stream: true }) })),
    );
    for (const connection of connections) await connection.readHead();
    const rows = lab.gateway.waitForRows(20);
    await lab.gateway.stop();
    for (const row of await rows) {
      expect(row).toMatchObject({ usage_source: "estimated", output_tokens: 10 });
      expect(row.outcome).not.toBe("ok");
    }
    for (const connection of connections) expect((await connection.readBody()).clean).toBe(false);
  });
});

describe("a queue of rows that is full", () => {
  it("loses the rows beyond it, counts them and says so on stderr", async () => {
    const said: string[] = [];
    const gateway = await startGateway({
      config: configFrom({
        listen: "127.0.0.1:0",
        metricsListen: "127.0.0.1:0",
        signingKeys: readKeyVectors().signing_keys,
        poolKeys: { openai: ["pool-key"] },
        providerAuthorities: { openai: standIn.authority },
        upstreamTls: false,
        shutdownDelaySecs: 0,
      }),
      runtime: nodeRuntime,
      log: (_level, message) => said.push(message),
      version: "test",
      // A reader would never get this: one row has more.
      maxQueuedRowBytes: 100,
    });
    await askInOrder(gateway.url, 3);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/^ai_usage_write_errors_total 3$/m);
    expect(said.filter((message) => message === "usage rows are being lost")).toHaveLength(1);
    await gateway.drain();
    expect(said).toContain("usage rows were lost");
  });
});

describe("a sink that fails", () => {
  for (const [how, onUsage] of Object.entries({
    throws: () => {
      throw new Error("the disk is full");
    },
    rejects: () => Promise.reject(new Error("the queue is closed")),
  })) {
    it(`because it ${how} is counted, logged without the row, and harms no request`, async () => {
      const said: unknown[] = [];
      const gateway = createGateway({
        signingKeys: readKeyVectors().signing_keys,
        poolKeys: { openai: ["pool-key"] },
        upstream: {
          send: async () => ({
            status: 200,
            statusText: "OK",
            headers: ["content-type", "application/json"],
            body: new Response(JSON.stringify({ choices: [], usage: USAGE })).body,
          }),
        },
        onUsage,
        log: (...diagnostic) => said.push(diagnostic),
      });
      const request = new Request(`http://gateway${CHAT}`, {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}` },
        body: JSON.stringify(chat()),
      });
      const response = await gateway.fetch(request);
      expect(await response.json()).toMatchObject({ usage: { prompt_tokens: 3 } });
      await until(() => /^ai_usage_write_errors_total 1$/m.test(gateway.metrics()));
      expect(said).toHaveLength(1);
      expect(JSON.stringify(said)).not.toContain("pool-key");
    });
  }
});
