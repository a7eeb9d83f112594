/** After a run of everything that goes well and wrong, no secret stands in anything that anybody can read. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT_ROOT, startCommand, temporaryFile, temporaryFolder } from "../cli/cli.ts";
import { configOver, RUNTIMES, startServed } from "../ops/served.ts";
import { closeBeforeHead, cutMidBody, json, redirect } from "../support/answers.ts";
import { CLOSED_PORT } from "../support/closed-port.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import { forge, mint } from "../support/mint.ts";
import { openRaw } from "../support/raw-http.ts";
import { type Answer, type StandIn, startStandIn } from "../support/stand-in.ts";
import { CHAT, COMPLETION, FIRST, KEY, openChat, SSE } from "./lab.ts";

const POOL_KEYS = ["pool-a-7d01c6e2f9", "pool-b-1b5e88a0c4"];
const ADMIN_TOKEN = "admin-3f9a7c51e0";
const BYO_KEY = "sk-own-c0ffee9d21";
const DENIED_KEY = mint({ tenantId: "666" });
const FORGED_KEY = forge(5);
const SECRETS = [...POOL_KEYS, ADMIN_TOKEN, BYO_KEY, KEY, DENIED_KEY, FORGED_KEY];

/** What is left of a key when it is cut: a signature or a payload, and not a whole token. */
const parts = SECRETS.flatMap((secret) => [secret, ...secret.split(".").filter((part) => part.length > 12)]);

/** A provider that says the credential it was sent wherever it can. */
const tellsKey: Answer = async (exchange) => {
  const key = exchange.seen.header("authorization").join();
  await json(401, COMPLETION, { "x-echo": key, "www-authenticate": key, "set-cookie": `k=${key}` })(exchange);
};

/** Each way that a request can end; asked of every credential. */
const ANSWERS: readonly Answer[] = [
  json(200, COMPLETION),
  tellsKey,
  json(429, {}, { "retry-after": "1" }),
  json(500, {}),
  redirect(307, "/elsewhere"),
  closeBeforeHead(),
  cutMidBody(SSE, FIRST, "rst"),
];

describe.each(RUNTIMES)("the output of a mixed run on $runtime", (runtime) => {
  let standIn: StandIn;
  beforeEach(async () => {
    standIn = await startStandIn();
  });
  afterEach(() => standIn.close());

  it("holds no pool key, virtual key, client key or admin token, nor a part of one", async () => {
    const deny = temporaryFile(
      "deny.jsonl",
      '{"format":"beyond-ai-deny/1","revision":0,"stream":null}\n{"key":"blackhole.666","value":"spend"}\n',
    );
    const config = configOver(standIn.authority, {
      pool_keys: { openai: POOL_KEYS, dead: POOL_KEYS },
      provider_authorities: { openai: standIn.authority, dead: CLOSED_PORT },
      admin_token: ADMIN_TOKEN,
      snapshot_path: deny,
      log_level: "debug",
    });
    const gateway = await startServed(runtime, config);
    const output: string[] = [];
    const admin = { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
    // What came before is in its first event.
    const readFeed = async (): Promise<string> => {
      const feed = await fetch(`${gateway.adminUrl}/live/events`, admin);
      const { value } = await feed.body!.pipeThrough(new TextDecoderStream()).getReader().read();
      return value ?? "";
    };

    for (const key of [KEY, DENIED_KEY, FORGED_KEY, BYO_KEY]) {
      for (const answer of ANSWERS) {
        // Twice, for the second pool key.
        standIn.setDefault(answer);
        output.push(await answerTo(gateway.url, { key, stream: true }));
      }
      const bad = [
        "/dead/v1/chat/completions",
        "/nowhere/v1",
        "/openai/v1/files",
        `${CHAT}?key=${key}`,
        `/openai/v1/models/${key}`,
      ];
      for (const target of bad) output.push(await answerTo(gateway.url, { key, target }));
      output.push(await answerTo(gateway.url, { key, headers: [["authorization", `Bearer ${KEY}`]] }));
      output.push(await answerTo(gateway.url, { key, headers: [["content-encoding", "gzip"]] }));
      const malformed = await openRaw(gateway.url);
      malformed.socket.end(`GET / HTTP/1.1\r\nauthorization: Bearer ${key}\r\n : ${key}\r\n\r\n`);
      output.push(await malformed.readRest());
    }
    for (const path of ["/metrics", "/readyz", "/livez", "/"]) {
      output.push(await (await fetch(gateway.adminUrl + path, admin)).text());
    }
    const feed = await readFeed();
    expect(feed).toContain('"tenantId":"42"');
    output.push(feed);
    output.push(await gateway.reload("pool_keys = 1\n[signing_keys]\n", /pool_keys/));
    gateway.process.child.kill("SIGTERM");
    const { stdout, stderr } = await gateway.process.ended;
    output.push(stdout, stderr);

    // BYO is relayed as it is, and its provider tells the client its own key: not the gateway's words.
    const all = output
      .join("\n")
      .replaceAll(new RegExp(`^(x-echo|www-authenticate|set-cookie): .*${BYO_KEY}$`, "gim"), "");
    expect(all).toContain('"outcome":"upstream_error"');
    expect(all).toContain('"outcome":"cut_short"');
    expect(parts.filter((part) => all.includes(part))).toEqual([]);
  });

  it("of doctor and of a config that is refused holds none either", async () => {
    const [program, bin] = runtime.command;
    const folder = temporaryFolder();
    const file = join(folder, "config.toml");
    const run = async (
      command: string,
      more: Readonly<Record<string, unknown>>,
      env = {},
    ): Promise<string> => {
      writeFileSync(file, stringify(configOver(standIn.authority, { admin_token: ADMIN_TOKEN, ...more })));
      const { stdout, stderr } = await startCommand(program, [bin, command, "--config", file], {
        env,
        cwd: PROJECT_ROOT,
      }).ended;
      return stdout + stderr;
    };
    const output = [
      await run("doctor", { pool_keys: { openai: POOL_KEYS } }),
      await run("serve", { pool_keys: POOL_KEYS[0] }),
      await run("serve", { pool_keys: { openai: [POOL_KEYS[0], 7] } }),
      await run("serve", { pool_keyz: { openai: POOL_KEYS } }),
      await run("serve", { signing_keys: { 1: POOL_KEYS[0], x: readKeyVectors().signing_keys["1"] } }),
      await run("serve", { rate_limit_rps: -1, pool_keys: { openai: POOL_KEYS } }),
      await run(
        "serve",
        { rate_limit_rps: -1 },
        { AI_POOL_KEYS: `["${POOL_KEYS[0]}"`, AI_POOL_KEY_OPENAI: POOL_KEYS[1] },
      ),
    ];
    for (const text of output) {
      expect(text).not.toBe("");
      expect(parts.filter((part) => text.includes(part))).toEqual([]);
    }
  });
});

/** Everything of an answer that a client sees, headers a line each. */
async function answerTo(url: string, request: Parameters<typeof openChat>[1]): Promise<string> {
  const connection = await openChat(url, request);
  const { status, headers } = await connection.readHead();
  const { body } = await connection.readBody();
  connection.destroy();
  return [String(status), ...headers.map(([name, value]) => `${name}: ${value}`), String(body)].join("\n");
}
