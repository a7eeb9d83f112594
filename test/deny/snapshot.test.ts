import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ServerDenyOptions, ServerDenySource } from "../../adapters/server/deny/index.ts";
import { SnapshotCache } from "../../adapters/server/deny/snapshot-cache.ts";
import { readSnapshot } from "../../adapters/server/deny/snapshot-file.ts";
import { DenySet } from "../../src/deny/deny-set.ts";
import { parseDenyKey } from "../../src/deny/entry.ts";
import { createCleanup, createTestSource, recordLog, temporaryDirectory } from "../support/deny.ts";
import { createNatsServer, type NatsServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";

const HEADER = '{"format":"beyond-ai-deny/1","revision":0}\n';
const line = (key: string, value = "spend"): string => `${JSON.stringify({ key, value })}\n`;

const cleanup = createCleanup();
let directory: string;
let path: string;
let logged: ReturnType<typeof recordLog>;

beforeEach(async () => {
  const temporary = await temporaryDirectory();
  cleanup.defer(temporary.remove);
  directory = temporary.path;
  path = join(directory, "deny.jsonl");
  logged = recordLog();
});
afterEach(cleanup.run);

const open = async (options: Partial<ServerDenyOptions>): Promise<ServerDenySource> => {
  const source = createTestSource({ snapshotPath: path, log: logged.log, ...options });
  cleanup.defer(source.close);
  await source.start();
  return source;
};
const reason = (source: ServerDenySource, tenant: string) => source.lookup(tenant, undefined);

describe("the snapshot file beside NATS", () => {
  let server: NatsServer;
  beforeEach(async () => {
    server = await createNatsServer();
    cleanup.defer(server.dispose);
    await server.start();
  });

  const openFromNats = (options: Partial<ServerDenyOptions> = {}) =>
    open({ natsUrl: server.url, ...options });
  const onDisk = async (): Promise<number> => (await readSnapshot(path, Date.now)).set.size;

  it("is enforced by a restart while NATS is down, and overridden once NATS has been scanned", async () => {
    const kv = await server.bucket("ai-gateway");
    await kv.put("blackhole.1", "spend");
    await kv.put("blackhole.2", '{"reason":"fraud","expires_at":"2100-01-01T00:00:00Z"}');
    const first = await openFromNats();
    await kv.put("blackhole.3", "spend");
    await until(() => reason(first, "3") === "spend");
    expect(await first.flush()).toBe(true);
    await server.kill();

    const second = await openFromNats();
    expect([second.connected(), second.size()]).toEqual([false, 3]);
    expect(["1", "2", "3", "4"].map((tenant) => reason(second, tenant))).toEqual([
      "spend",
      "fraud",
      "spend",
      undefined,
    ]);

    await server.start();
    const again = await server.bucket("ai-gateway");
    await again.delete("blackhole.1");
    await until(() => reason(second, "1") === undefined);
    expect(await second.flush()).toBe(true);
    expect(await onDisk()).toBe(2);
  });

  it("can be read by a person", async () => {
    const kv = await server.bucket("ai-gateway");
    const source = await openFromNats();
    // A start does not wait for NATS for ever, and the first scan writes the file anew.
    await until(() => source.connected() === true);
    await source.flush();
    await kv.put("blackhole.1", "spend");
    await kv.put("blackhole.key.2", '{"reason":"fraud","expires_at":4102444800}');
    await kv.delete("blackhole.1");
    await until(() => source.size() === 1 && reason(source, "1") === undefined);
    await source.flush();
    const [header, ...lines] = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(JSON.parse(header!)).toEqual({
      format: "beyond-ai-deny/1",
      revision: 0,
      stream: expect.any(String),
    });
    expect(lines).toEqual([
      '{"key":"blackhole.1","value":"spend","revision":1}',
      '{"key":"blackhole.key.2","value":{"reason":"fraud","expires_at":"2100-01-01T00:00:00Z"},"revision":2}',
      '{"key":"blackhole.1","deleted":true,"revision":3}',
    ]);
  });

  it("resumes from the file's revision on the same stream", async () => {
    const kv = await server.bucket("ai-gateway");
    const first = await openFromNats();
    await kv.put("blackhole.1", "spend");
    await until(() => reason(first, "1") === "spend");
    await first.close();
    await kv.put("blackhole.2", "spend");
    const second = await openFromNats();
    expect(second.size()).toBe(2);
    await second.close();
    expect((await readSnapshot(path, Date.now)).summary).toMatchObject({ revision: 2, torn: false });
  });

  it("drops what a file says of another stream", async () => {
    await writeFile(
      path,
      `{"format":"beyond-ai-deny/1","revision":900,"stream":"elsewhere"}\n${line("blackhole.9")}`,
    );
    const kv = await server.bucket("ai-gateway");
    await kv.put("blackhole.1", "spend");
    const source = await openFromNats();
    expect([reason(source, "9"), reason(source, "1")]).toEqual([undefined, "spend"]);
    await source.close();
    const { set, summary } = await readSnapshot(path, Date.now);
    expect([set.size, summary.revision, summary.stream === "elsewhere"]).toEqual([1, 1, false]);
  });

  it.each([
    ["garbage", "not a snapshot\n"],
    ["a bad line in its middle", `${HEADER}{"key":\n${line("blackhole.9")}`],
    ["nothing in it", ""],
  ])("is rebuilt from NATS when it has %s", async (_what, contents) => {
    await writeFile(path, contents);
    const kv = await server.bucket("ai-gateway");
    await kv.put("blackhole.1", "spend");
    const source = await openFromNats();
    expect([reason(source, "9"), reason(source, "1")]).toEqual([undefined, "spend"]);
    expect(await source.flush()).toBe(true);
    expect(await onDisk()).toBe(1);
    expect(logged.messages("warn")).toEqual(["deny snapshot unusable, to be rebuilt"]);
  });

  it("is made whole after a torn last line, before anything is appended to it", async () => {
    await writeFile(path, `${HEADER}${line("blackhole.9")}{"key":"blackhole.8","va`);
    const set = new DenySet(Date.now);
    const position = () => ({ stream: undefined, revision: 0 });
    const cache = new SnapshotCache({ path, set, now: Date.now, position, log: logged.log });
    cleanup.defer(() => cache.close());
    await cache.load();
    const id = parseDenyKey("blackhole.7")!;
    set.set(id, { reason: "spend", expiresAt: 0 });
    cache.append({ id, deny: { reason: "spend", expiresAt: 0 } });
    expect(await cache.flush()).toBe(true);
    const { set: found } = await readSnapshot(path, Date.now);
    expect(["9", "8", "7"].map((tenant) => found.lookup("tenant", tenant))).toEqual([
      "spend",
      undefined,
      "spend",
    ]);
  });

  it("may be deleted at any time", async () => {
    const kv = await server.bucket("ai-gateway");
    await kv.put("blackhole.1", "spend");
    const source = await openFromNats({ rescanSecs: 0.05 });
    await source.flush();
    await rm(path);
    await until(() =>
      stat(path).then(
        () => true,
        () => false,
      ),
    ); // the next scan brings it back
    await rm(path);
    await kv.put("blackhole.2", "spend");
    await until(() => reason(source, "2") === "spend");
    expect(await source.flush()).toBe(true);
    expect(await onDisk()).toBe(2);
  });

  it("is compacted as it grows, and leaves no temporary file, nor one of a process that was killed", async () => {
    await writeFile(`${path}.4711.tmp`, HEADER);
    const kv = await server.bucket("ai-gateway");
    const source = await openFromNats();
    const nc = await server.connect();
    for (let n = 0; n < 8_000; n++)
      nc.publish(`$KV.ai-gateway.blackhole.${n % 10}`, n % 20 < 10 ? "spend" : "fraud");
    await nc.flush();
    await kv.put("blackhole.99", "spend");
    await until(() => reason(source, "99") === "spend");
    await source.flush();
    expect((await readFile(path, "utf8")).split("\n").length).toBeLessThan(4_000);
    expect(await onDisk()).toBe(11);
    expect(await readdir(directory)).toEqual(["deny.jsonl"]);
  });

  it("does not stop the gateway when it cannot be written, says so once, and comes back", async () => {
    const kv = await server.bucket("ai-gateway");
    const missing = join(directory, "not-yet");
    const source = await openFromNats({ snapshotPath: join(missing, "deny.jsonl") });
    for (const tenant of ["1", "2", "3"]) {
      await kv.put(`blackhole.${tenant}`, "spend");
      await until(() => reason(source, tenant) === "spend");
      expect(await source.flush()).toBe(false);
    }
    expect(logged.messages("error")).toEqual(["deny snapshot cannot be written"]);
    await mkdir(missing);
    expect(await source.flush()).toBe(true);
    expect((await readSnapshot(join(missing, "deny.jsonl"), Date.now)).set.size).toBe(3);
  });
});

describe("the snapshot file as the source", () => {
  it("is loaded at the start and followed through appends, rewrites and replacements", async () => {
    await writeFile(path, HEADER + line("blackhole.1"));
    const source = await open({});
    expect([reason(source, "1"), source.connected()]).toEqual(["spend", undefined]);
    await appendFile(path, line("blackhole.key.2", "fraud"));
    await until(() => source.lookup("9", "2") === "fraud");
    await appendFile(path, '{"key":"blackhole.1","deleted":true}\n');
    await until(() => reason(source, "1") === undefined);
    await writeFile(path, HEADER + line("blackhole.3"));
    await until(() => reason(source, "3") === "spend" && source.size() === 1);
    await writeFile(`${path}.new`, HEADER + line("blackhole.4"));
    await rename(`${path}.new`, path);
    await until(() => reason(source, "4") === "spend" && source.size() === 1);
  });

  it("keeps the last good set while the file is bad or missing, says so once, and takes the next good one", async () => {
    await writeFile(path, HEADER + line("blackhole.1"));
    const source = await open({});
    await writeFile(path, `${HEADER}${line("blackhole.2")}oops\n`);
    await until(() => source.connected() === false);
    expect([reason(source, "1"), reason(source, "2")]).toEqual(["spend", undefined]);
    await rm(path);
    await until(() => logged.messages("error").length === 2);
    expect(reason(source, "1")).toBe("spend");
    await writeFile(path, HEADER + line("blackhole.2"));
    await until(() => reason(source, "2") === "spend");
    expect([reason(source, "1"), source.connected()]).toEqual([undefined, undefined]);
    expect(logged.lines.filter(({ level }) => level === "error").map(({ fields }) => fields?.error)).toEqual([
      "line 3: not JSON",
      "there is no such file",
    ]);
  });

  it("may appear after the gateway", async () => {
    const source = await open({});
    expect([source.size(), source.connected()]).toEqual([0, false]);
    await writeFile(path, HEADER + line("blackhole.1"));
    await until(() => reason(source, "1") === "spend");
  });

  it("warns of keys that deny nobody and of an unfinished last line", async () => {
    await writeFile(path, `${HEADER}${line("blackhole.042")}${line("blackhole.1")}{"key":"blackh`);
    const source = await open({});
    expect(source.size()).toBe(1);
    expect(logged.messages("warn")).toHaveLength(2);
  });
});

it("denies nobody without any source", async () => {
  const source = createTestSource({ log: logged.log });
  await source.start();
  expect([source.lookup("1", "2"), source.size(), source.connected()]).toEqual([undefined, 0, undefined]);
  await source.close();
});
