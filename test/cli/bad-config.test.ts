/** A config that cannot be served: one line that names the key and says what to do, exit code 1, nothing left running. */
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readKeyVectors } from "../support/fixtures.ts";
import { type CommandOptions, type Ended, runCli, temporaryFile } from "./cli.ts";

const EPHEMERAL = 'listen = "127.0.0.1:0"\nmetrics_listen = "127.0.0.1:0"\n';
const SECRET = "sk-live-secret-of-mine";

function serve(toml: string, options?: CommandOptions): Promise<Ended> {
  return runCli(["serve", "--config", temporaryFile("config.toml", toml)], options);
}

/** The message of the one diagnostic that there is. */
function onlyMessage({ code, stdout, stderr }: Ended): string {
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  const lines = stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  const { level, message }: { level: string; message: string } = JSON.parse(lines[0] ?? "");
  expect(level).toBe("error");
  expect(message).not.toContain("\n");
  return message;
}

describe("serve refuses to start", () => {
  it.each([
    { given: 'lisen = "127.0.0.1:0"', says: ['unknown key "lisen"', '"listen"'] },
    { given: `pool_key = { openai = "${SECRET}" }`, says: ['unknown key "pool_key"', '"pool_keys"'] },
    { given: "rate_limit_rps = -1", says: ["rate_limit_rps: -1 given, must be a whole number"] },
    { given: 'listen = "8080"', says: ['listen: "8080" given', "host:port"] },
    { given: "upstream_tls = 1", says: ["upstream_tls: 1 given, must be true or false"] },
    { given: 'log_level = "loud"', says: ['log_level: "loud" given', '"debug" or "info"'] },
    { given: "[signing_keys]\n1 = 5", says: ["signing_keys.1"] },
    { given: '[signing_keys]\n1 = "AAAA"', says: ["signing_keys", "key 1 has 3 bytes, not 32", "keygen"] },
    { given: '[signing_keys]\nmain = "AAAA"', says: ["signing_keys", '"main"', "u32"] },
    { given: `[pool_keys]\nopnai = "${SECRET}"`, says: ["pool_keys.opnai", '"openai"'] },
    { given: `[pool_keys]\nopenai = "${SECRET}\\n"`, says: ["pool_keys.openai", "visible ASCII"] },
    { given: "require_signing_keys = true", says: ["require_signing_keys", "keygen"] },
    { given: `[pool_keys]\nopenai = "${SECRET}`, says: ["no TOML", "line "] },
  ])("with $given", async ({ given, says }) => {
    const message = onlyMessage(await serve(given));
    for (const part of says) expect(message).toContain(part);
    expect(message).not.toContain(SECRET);
  });

  it("with a signing key that is weak", async () => {
    const weak = readKeyVectors().weak_public_keys[0]?.base64 ?? "";
    const message = onlyMessage(await serve(`[signing_keys]\n9 = "${weak}"\n`));
    expect(message).toContain("signing_keys: key 9");
    expect(message).not.toContain(weak);
  });

  it.each([
    { env: { AI_RATE_LIMIT_RPS: "many" }, says: ["rate_limit_rps (AI_RATE_LIMIT_RPS)", '"many"'] },
    { env: { AI_POOL_KEYS: `{"openai":"${SECRET}"` }, says: ["pool_keys (AI_POOL_KEYS)", "JSON"] },
    { env: { AI_POOL_KEY_OPNAI: SECRET }, says: ["AI_POOL_KEY_OPNAI", '"openai"'] },
    { env: { AI_SIGNING_KEY_1: SECRET }, says: ["signing_keys", "key 1"] },
  ])("with the variable of $env", async ({ env, says }) => {
    const message = onlyMessage(await serve(EPHEMERAL, { env }));
    for (const part of says) expect(message).toContain(part);
    expect(message).not.toContain(SECRET);
  });

  it("with a --config that is not there", async () => {
    expect(onlyMessage(await runCli(["serve", "--config", "nowhere.toml"]))).toContain(
      '--config: there is no file "nowhere.toml"',
    );
  });

  it("with a --config that is a folder", async () => {
    expect(onlyMessage(await runCli(["--config", "."]))).toContain('--config: "." cannot be read');
  });
});

/** Free a moment ago. */
async function closedAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
}

describe("a port in use", () => {
  let holder: Server;
  let taken: string;
  beforeAll(async () => {
    holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const address = holder.address();
    taken = typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
  });
  afterAll(() => void holder.close());

  it.each([
    { key: "listen", other: "metrics_listen" },
    { key: "metrics_listen", other: "listen" },
  ])("names $key and the address, and serves nothing", async ({ key, other }) => {
    const message = onlyMessage(await serve(`${key} = "${taken}"\n${other} = "127.0.0.1:0"\n`));
    expect(message).toBe(`${key}: ${taken} is in use: stop what listens there or set another port`);
  });

  it("says so when the gateway itself was given it twice", async () => {
    const twice = await closedAddress();
    const message = onlyMessage(await serve(`listen = "${twice}"\nmetrics_listen = "${twice}"\n`));
    expect(message).toMatch(/\(same as (?:metrics_)?listen\): 127\.0\.0\.1:\d+ is in use/);
  });

  it("says which address the machine does not have", async () => {
    const message = onlyMessage(await serve('listen = "192.0.2.1:0"\nmetrics_listen = "127.0.0.1:0"\n'));
    expect(message).toContain("listen: this machine has no address 192.0.2.1:0");
  });

  it("stops dev when the port was asked for by name", async () => {
    const { code, stdout, stderr } = await runCli(["dev", "--port", taken.split(":")[1] ?? ""]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: --port: port \d+ is in use: give another one\n$/);
  });
});
