/** `doctor`: what it calls healthy, what it calls broken, and what it never shows. */

import { stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { checkKeyring, checkPoolKeys, checkWorkers } from "../../adapters/server/cli/checks.ts";
import { configFrom } from "../../src/config/parse.ts";
import { BUILT_IN_PROVIDERS } from "../../src/config/providers.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import { type Ended, runCli, temporaryFile } from "./cli.ts";

const SECRET = "sk-live-secret-of-mine";
const LOOPBACK = Object.fromEntries(BUILT_IN_PROVIDERS.map(({ name }) => [name, "127.0.0.1:9"]));
const HEALTHY = {
  signing_keys: readKeyVectors().signing_keys,
  pool_keys: { openai: SECRET, anthropic: [SECRET, `${SECRET}-2`] },
  provider_authorities: LOOPBACK,
};

interface Diagnosis {
  readonly ok: boolean;
  readonly checks: readonly { name: string; ok: boolean; detail: string; hint?: string }[];
  readonly warnings: readonly string[];
}

const doctor = (config: Readonly<Record<string, unknown>>, ...more: string[]): Promise<Ended> =>
  runCli(["doctor", "--config", temporaryFile("config.toml", stringify(config)), ...more]);

async function failures(config: Readonly<Record<string, unknown>>) {
  const { code, stdout, stderr } = await doctor(config, "--json");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  expect(stdout).not.toContain(SECRET);
  const diagnosis: Diagnosis = JSON.parse(stdout);
  expect(diagnosis.ok).toBe(false);
  return diagnosis.checks.filter(({ ok }) => !ok);
}

describe("doctor", () => {
  it("finds nothing wrong with a healthy config and exits 0", async () => {
    const { code, stdout, stderr } = await doctor(HEALTHY);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^✓ keyring +signing keys: 1, 7$/m);
    expect(stdout).toMatch(/^✓ pool keys +openai \(1\), anthropic \(2\)$/m);
    expect(stdout).toMatch(/^✓ deny source +none configured/m);
    expect(stdout.match(/^✓ dns \w/gm)).toHaveLength(BUILT_IN_PROVIDERS.length);
    expect(stdout).not.toContain("✗");
    expect(stdout).not.toContain(SECRET);
  });

  it("shows the config's own error, and exits 1", async () => {
    const { code, stdout } = await doctor({ lisen: SECRET });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ config +unknown key "lisen"; did you mean "listen"\?\n +→ /m);
  });

  it("names the provider whose host is unknown, with a hint", async () => {
    const authorities = { ...LOOPBACK, "my-llm": "no-such-host.invalid:443" };
    expect(await failures({ ...HEALTHY, provider_authorities: authorities })).toEqual([
      {
        name: "dns my-llm",
        ok: false,
        detail: expect.stringContaining("no-such-host.invalid cannot be looked up"),
        hint: expect.stringContaining("provider_authorities.my-llm"),
      },
    ]);
  });

  it("says that NATS cannot be reached, without its password", async () => {
    const found = await failures({ ...HEALTHY, nats_url: `ws://user:${SECRET}@127.0.0.1:9` });
    expect(found).toEqual([
      {
        name: "deny source",
        ok: false,
        detail: expect.stringContaining("NATS bucket ai-gateway"),
        hint: expect.stringContaining("nats_url"),
      },
    ]);
  });

  it("counts the entries of a snapshot file, and says what is wrong with a bad one", async () => {
    const good = '{"format":"beyond-ai-deny/1","revision":1}\n{"key":"blackhole.42","value":"spend"}\n';
    const { code, stdout } = await doctor({ ...HEALTHY, snapshot_path: temporaryFile("deny.jsonl", good) });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^✓ deny source .*: 1 denied$/m);
    const bad = temporaryFile("deny.jsonl", "nonsense\n");
    const [found] = await failures({ ...HEALTHY, snapshot_path: bad });
    expect(found).toMatchObject({
      name: "deny source",
      detail: expect.stringContaining("line 1"),
      hint: expect.any(String),
    });
  });

  it("says when the cache beside NATS cannot be written", async () => {
    const config = { ...HEALTHY, nats_url: "ws://127.0.0.1:9", snapshot_path: "/no-such-folder/deny.jsonl" };
    expect((await failures(config)).map(({ name }) => name)).toEqual(["deny source", "deny cache"]);
  });
});

describe("the checks", () => {
  it("advise against more workers than there are cores, and say nothing of a single one", () => {
    expect(checkWorkers(configFrom({ workers: 1 }), 2)).toEqual([]);
    expect(checkWorkers(configFrom({ workers: 2 }), 2)).toEqual([
      { name: "workers", ok: true, detail: "2 processes, and 2 cores for them" },
    ]);
    expect(checkWorkers(configFrom({ workers: 3 }), 2)).toMatchObject([
      { ok: true, hint: expect.stringContaining("set 2") },
    ]);
  });

  const signingKeys = readKeyVectors().signing_keys;

  it("call signing keys without a pool key broken, and pool keys without a signing key too", () => {
    expect(checkPoolKeys(configFrom({ signingKeys }))).toMatchObject({
      ok: false,
      detail: expect.stringContaining("no_pool_key"),
    });
    expect(checkKeyring(configFrom({ poolKeys: { openai: SECRET } }))).toMatchObject({ ok: false });
  });

  it("call a gateway for BYO alone healthy", () => {
    expect(checkPoolKeys(configFrom({})).ok).toBe(true);
    expect(checkKeyring(configFrom({})).ok).toBe(true);
  });

  it("notice another vendor's key, unless the provider is elsewhere", () => {
    const poolKeys = { openai: [SECRET, "sk-ant-of-mine"] };
    expect(checkPoolKeys(configFrom({ signingKeys, poolKeys }))).toMatchObject({
      ok: false,
      detail: "pool_keys.openai holds what looks like a key of anthropic",
    });
    expect(checkPoolKeys(configFrom({ signingKeys, poolKeys, providerAuthorities: LOOPBACK })).ok).toBe(true);
  });

  it("notice a virtual key in the place of a pool key", () => {
    const config = configFrom({
      signingKeys,
      poolKeys: { openai: "bai_v1.1.x.y" },
      providerAuthorities: LOOPBACK,
    });
    expect(checkPoolKeys(config)).toMatchObject({
      ok: false,
      detail: "pool_keys.openai holds a virtual key",
    });
  });
});
