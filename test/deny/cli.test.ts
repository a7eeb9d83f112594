import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { applyConventions } from "../../adapters/server/cli/conventions.ts";
import { denyCommand } from "../../adapters/server/deny/cli.ts";
import { ConfigError } from "../../src/config/config-error.ts";
import type { Config } from "../../src/config/keys.ts";
import { configFrom } from "../../src/config/parse.ts";
import { createCleanup, temporaryDirectory } from "../support/deny.ts";
import { createNatsServer } from "../support/nats-server.ts";

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
    vi.spyOn(stream, "write").mockImplementation((text) => {
      written[name] += text;
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
