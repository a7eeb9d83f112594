import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { applyConventions } from "../../adapters/server/cli/conventions.ts";
import { denyCommand } from "../../adapters/server/deny/cli.ts";
import { snapshotTarget } from "../../adapters/server/deny/cli-snapshot.ts";
import { ConfigError } from "../../src/config/config-error.ts";
import type { Config } from "../../src/config/keys.ts";
import { configFrom } from "../../src/config/parse.ts";
import { createCleanup, temporaryDirectory } from "../support/deny.ts";
import { ADMIN, createNatsServer } from "../support/nats-server.ts";
import { createTcpRelay } from "../support/tcp-relay.ts";

const NOW = Date.parse("2026-12-01T00:00:00Z");
const cleanup = createCleanup();
afterEach(cleanup.run);

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Runs `beyond-ai deny …` under the conventions of the whole command line, and gives what a shell would see. */
async function deny(config: Partial<Config>, ...args: string[]) {
  const written = { out: "", err: "" };
  const collect = (stream: NodeJS.WriteStream, name: keyof typeof written) =>
    vi.spyOn(stream, "write").mockImplementation((chunk) => {
      written[name] += chunk;
      return true;
    });
  const spies = [
    collect(process.stdout, "out"),
    collect(process.stderr, "err"),
    vi.spyOn(process, "exit").mockImplementation((code) => {
      throw new Exit(Number(code));
    }),
  ];
  const loadConfig = (file: string | undefined): Config => {
    if (file === "bad.toml") throw new ConfigError("nats_ulr", 'unknown key "nats_ulr"');
    return { ...configFrom({}), ...config };
  };
  try {
    await applyConventions(denyCommand({ loadConfig, now: () => NOW })).parseAsync(args, { from: "user" });
    return { code: process.exitCode ?? 0, ...written };
  } catch (error) {
    if (error instanceof Exit) return { code: error.code, ...written };
    throw error;
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}

/** The whole life of entries, the same wherever they are kept. */
async function livesThrough(run: (...args: string[]) => ReturnType<typeof deny>): Promise<void> {
  expect((await run("add", "--tenant", "42")).out).toBe("denied: tenant 42  spend\n");
  const added = await run(
    "add",
    "--key-id",
    "18446744073709551615",
    "--reason",
    "fraud",
    "--for",
    "1h30m",
    "--json",
  );
  const expected = {
    key: "blackhole.key.18446744073709551615",
    key_id: "18446744073709551615",
    reason: "fraud",
    expires_at: "2026-12-01T01:30:00Z",
  };
  expect(JSON.parse(added.out)).toEqual(expected);
  expect((await run("list")).out).toBe(
    "tenant 42  spend\nkey 18446744073709551615  fraud  until 2026-12-01T01:30:00Z\n",
  );
  expect((await run("remove", "--tenant", "42")).out).toBe("tenant 42 is no longer denied\n");
  expect(JSON.parse((await run("list", "--json")).out)).toEqual([expected]);
  expect((await run("remove", "--key-id", "18446744073709551615")).code).toBe(0);
  expect((await run("list")).out).toBe("nobody is denied\n");
}

describe("beyond-ai deny", () => {
  it("works on NATS, and creates the bucket that is missing", async () => {
    const server = await createNatsServer();
    cleanup.defer(server.dispose);
    await server.start();
    const missing = await deny({ natsUrl: server.url }, "list");
    expect([missing.code, missing.out]).toEqual([1, ""]);
    expect(missing.err).toContain("--bucket: there is no bucket ai-gateway");
    await livesThrough((...args) => deny({ natsUrl: server.url, snapshotPath: "/nowhere" }, ...args));
    const again = await deny({}, "remove", "--tenant", "42", "--nats-url", server.url);
    expect(again).toEqual({ code: 0, out: "tenant 42 was not denied\n", err: "" });
  });

  it("does not say that it created a bucket which it may not create", async () => {
    const permissions = `publish: ["$JS.API.INFO", "$JS.API.STREAM.INFO.>"], subscribe: ["_INBOX.>"]`;
    const server = await createNatsServer({
      users: [ADMIN, { user: "gateway", password: "secret", permissions }],
    });
    cleanup.defer(server.dispose);
    await server.start();
    const { code, err } = await deny({ natsUrl: server.urlFor("gateway") }, "add", "--tenant", "1");
    expect(code).toBe(1);
    expect(err).toMatch(/^error: --nats-url: [^\n]*\n$/);
  });

  it("ends when NATS has frozen before it says good-bye", async () => {
    const server = await createNatsServer();
    cleanup.defer(server.dispose);
    await server.start();
    await server.bucket("ai-gateway");
    const acknowledgement = '"seq":1';
    const relay = await createTcpRelay(Number(new URL(server.url).port));
    relay.freezeAfter(acknowledgement);
    cleanup.defer(relay.close);
    const args = ["deny", "add", "--tenant", "1", "--nats-url", `ws://127.0.0.1:${relay.port}`];
    const child = spawn(process.execPath, ["adapters/node/bin.ts", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    cleanup.defer(() => child.kill("SIGKILL"));
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    expect([code, out]).toEqual([0, "denied: tenant 1  spend\n"]);
  });

  it("lets two commands create the same snapshot file", async () => {
    const { path, remove } = await temporaryDirectory();
    cleanup.defer(remove);
    const target = snapshotTarget(join(path, "deny.jsonl"));
    const tenants = [1, 2, 3, 4, 5];
    await Promise.all(
      tenants.map((low) => target.add({ kind: "tenant", high: 0, low }, { reason: "spend", expiresAt: 0 })),
    );
    const listed = await target.list();
    expect(listed.map(({ id }) => id.low).sort()).toEqual(tenants);
    expect(await readdir(path)).toEqual(["deny.jsonl"]);
  });

  it.each([
    [{ snapshotPath: "/nowhere/x" }, ["--remote"], "--remote"],
    [{ snapshotPath: "/nowhere/x" }, ["--bucket", "other"], "--bucket"],
    [{}, ["--snapshot", "/nowhere/x", "--nats-creds-file", "x"], "--nats-creds-file"],
    [{ natsUrl: "ws://127.0.0.1:1" }, ["--local"], "--local"],
    [{ natsUrl: "ws://127.0.0.1:1" }, ["--persist-to", "x"], "--persist-to"],
    [{ natsUrl: "ws://127.0.0.1:1" }, ["--binding", "A", "--bucket", "other"], "--bucket"],
    [{}, ["--namespace-id", "1", "--nats-creds-file", "x"], "--nats-creds-file"],
  ])("exits 2 with %j and %j, where %s would be ignored", async (config, args, option) => {
    const { code, out, err } = await deny(config, "add", "--tenant", "9", ...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(new RegExp(`^error: ${option} is for [^\\n]+\\n$`));
  });

  it("works on a snapshot file, and creates it", async () => {
    const { path, remove } = await temporaryDirectory();
    cleanup.defer(remove);
    const file = join(path, "deny.jsonl");
    await livesThrough((...args) => deny({ snapshotPath: file }, ...args));
    expect((await readFile(file, "utf8")).split("\n")[0]).toBe('{"format":"beyond-ai-deny/1","revision":0}');
  });

  it("appends to a snapshot file after its last whole line, and leaves the others as they are", async () => {
    const { path, remove } = await temporaryDirectory();
    cleanup.defer(remove);
    const file = join(path, "deny.jsonl");
    const whole =
      '{"format":"beyond-ai-deny/1","revision":0}\n{"key":"blackhole.1","value":{"reason":"abuse","note":"x"}}\n';
    await writeFile(file, `${whole}{"key":"blackhole.2","val`);
    expect((await deny({}, "add", "--snapshot", file, "--tenant", "3")).code).toBe(0);
    expect(await readFile(file, "utf8")).toBe(`${whole}{"key":"blackhole.3","value":"spend"}\n`);
  });

  it("refuses to touch a file that is no snapshot", async () => {
    const { path, remove } = await temporaryDirectory();
    cleanup.defer(remove);
    const file = join(path, "notes.txt");
    await writeFile(file, "shopping list\n");
    for (const args of [["add", "--tenant", "3"], ["remove", "--tenant", "3"], ["list"]]) {
      const { code, err } = await deny({}, ...args, "--snapshot", file);
      expect(code).toBe(1);
      expect(err).toContain("--snapshot");
    }
    expect(await readFile(file, "utf8")).toBe("shopping list\n");
  });

  it("works on Workers KV through wrangler's local storage", async () => {
    const { path, remove } = await temporaryDirectory();
    cleanup.defer(remove);
    const wrangler = join(path, "wrangler.toml");
    await writeFile(
      wrangler,
      'name = "x"\ncompatibility_date = "2026-07-01"\n[[kv_namespaces]]\nbinding = "DENY"\nid = "abc"\n',
    );
    await livesThrough((...args) =>
      deny({}, ...args, "--binding", "DENY", "--wrangler-config", wrangler, "--persist-to", path),
    );
    const unknown = await deny(
      {},
      "list",
      "--binding",
      "NOPE",
      "--wrangler-config",
      wrangler,
      "--persist-to",
      path,
    );
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("NOPE");
    // Each command is a wrangler that starts.
  }, 600_000);

  it.each([
    [["add"], "--tenant"],
    [["add", "--tenant", "1", "--key-id", "2"], "--key-id"],
    [["add", "--tenant", "01"], "--tenant"],
    [["add", "--key-id", "18446744073709551616"], "--key-id"],
    [["add", "--tenant", "1", "--for", "soon"], "--for"],
    [["add", "--tenant", "1", "--for", "0s"], "--for"],
    [["add", "--tenant", "1", "--for", ""], "--for"],
    [["add", "--tenant", "1", "--for", "999999d"], "--for"],
    [["add", "--tenant", "1", "--reason", "whim"], "--reason"],
    [["add", "--tenant", "1", "--binding", "DENY"], "--snapshot and --binding"],
    [["list", "--frobnicate"], "--frobnicate"],
    [["list", "--binding", "A", "--local", "--remote"], "--local"],
    [["list", "--nats-url", "nats://h:4222"], "--nats-url"],
    [["erase"], "erase"],
  ])("exits 2 for %j and names %s", async (args, named) => {
    const target =
      args.includes("--nats-url") || args[0] === "erase" || args.includes("--remote")
        ? []
        : ["--snapshot", "/nowhere/x"];
    const { code, out, err } = await deny({}, ...args, ...target);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(named);
  });

  it("says where denies could be kept when nothing does", async () => {
    const { code, err } = await deny({}, "list");
    expect(code).toBe(2);
    expect(err).toContain("--nats-url");
  });

  it("exits 1 for a config that cannot be used", async () => {
    const { code, err } = await deny({}, "list", "--config", "bad.toml");
    expect([code, err]).toEqual([1, 'error: unknown key "nats_ulr"\n']);
  });

  it("exits 1 and keeps the password to itself when NATS cannot be reached", async () => {
    const { code, err } = await deny({}, "list", "--nats-url", "ws://gateway:s3cret@127.0.0.1:1");
    expect(code).toBe(1);
    expect(err).toContain("--nats-url: cannot connect to 127.0.0.1:1");
    expect(err).not.toContain("s3cret");
  });
});
