import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { createCleanup, temporaryDirectory } from "../support/deny.ts";
import { createNatsServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";

const CHILD = fileURLToPath(new URL("./runtime-child.ts", import.meta.url));
const BUN = fileURLToPath(new URL("../../node_modules/.bin/bun", import.meta.url));
const HEADER = '{"format":"beyond-ai-deny/1","revision":0}\n';

describe.each([
  ["Node", process.execPath],
  ["Bun", BUN],
])("the deny-set on %s", (_runtime, binary) => {
  const cleanup = createCleanup();
  afterEach(cleanup.run);

  /** The last state that the child printed, and its exit. */
  const run = (natsUrl: string, snapshotPath: string) => {
    const child: ChildProcess = spawn(binary, [CHILD, natsUrl, snapshotPath], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    cleanup.defer(() => child.kill("SIGKILL"));
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    return {
      says: (state: string) => until(() => output.trimEnd().split("\n").at(-1) === state),
      stop: () => {
        child.stdin?.end();
        return exited;
      },
    };
  };

  it("follows NATS through its death and return, and keeps the snapshot file", async () => {
    const { path, remove } = await temporaryDirectory();
    cleanup.defer(remove);
    const server = await createNatsServer();
    cleanup.defer(server.dispose);
    await server.start();
    const kv = await server.bucket("ai-gateway");
    const snapshot = join(path, "deny.jsonl");
    const child = run(server.url, snapshot);
    await child.says("true undefined");
    await kv.put("blackhole.1", "spend");
    await child.says("true spend");
    await server.kill();
    await child.says("false spend");
    await server.start();
    await child.says("true spend");
    await (await server.bucket("ai-gateway")).delete("blackhole.1");
    await child.says("true undefined");
    expect(await child.stop()).toBe(0);
    expect(await readFile(snapshot, "utf8")).toContain('{"key":"blackhole.1","deleted":true,"revision":2}\n');
  });

  it("follows a snapshot file", async () => {
    const { path, remove } = await temporaryDirectory();
    cleanup.defer(remove);
    const snapshot = join(path, "deny.jsonl");
    const child = run("", snapshot);
    await child.says("false undefined");
    await writeFile(snapshot, `${HEADER}{"key":"blackhole.1","value":"fraud"}\n`);
    await child.says("undefined fraud");
    await writeFile(snapshot, HEADER);
    await child.says("undefined undefined");
    expect(await child.stop()).toBe(0);
  });
});
