/** The process of `npm run start:workers`: what it says, and how it ends. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT_ROOT, type RunningCommand, startCommand, temporaryFile } from "../cli/cli.ts";
import { COMPLETION, FIRST, heldStreams, LAST, openChat, rowsIn } from "../holds/lab.ts";
import { configOver } from "../ops/served.ts";
import { isAlive } from "../support/alive.ts";
import { json } from "../support/answers.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";

let standIn: StandIn;
beforeEach(async () => {
  standIn = await startStandIn();
});
afterEach(() => standIn.close());

async function serve(more: object = {}): Promise<{ url: string; process: RunningCommand; workerd: number }> {
  const snapshot = temporaryFile("deny.jsonl", '{"format":"beyond-ai-deny/1","revision":0,"stream":null}\n');
  const config = stringify({ ...configOver(standIn.authority), snapshot_path: snapshot, ...more });
  const entry = join(PROJECT_ROOT, "adapters/workers/local/serve.ts");
  const gateway = startCommand(process.execPath, [entry, "--config", temporaryFile("config.toml", config)]);
  const [line] = await gateway.seen("stderr", /^.*"message":"listening".*$/m);
  return { url: JSON.parse(line).url, process: gateway, workerd: childOf(gateway.child.pid!) };
}

/** proc(5): the fields behind the name, which may hold anything, are the state and the parent. */
function childOf(pid: number): number {
  const parentOf = (one: string): number => {
    try {
      return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${one}/stat`, "latin1"))?.[1]);
    } catch {
      return 0; // It has ended meanwhile.
    }
  };
  return Number(readdirSync("/proc").find((one) => /^\d+$/.test(one) && parentOf(one) === pid));
}

describe("the gateway under local workerd", () => {
  it.each([
    ["warn", ["metrics_listen", "snapshot_path", "shutdown_delay_secs", "otlp_endpoint", "upstream_tls"]],
    ["error", []],
  ])("says what is wrong with its config at log_level %s and below", async (level, warnings) => {
    standIn.setDefault(json(200, COMPLETION));
    const gateway = await serve({ log_level: level, otlp_endpoint: "http://127.0.0.1:4318" });
    const connection = await openChat(gateway.url);
    expect((await connection.readResponse()).status).toBe(200);
    gateway.process.child.kill("SIGTERM");
    const { stdout, stderr } = await gateway.process.ended;
    expect(rowsIn(stdout)).toHaveLength(1);
    const said = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)); // JSON lines of ours
    expect(said.map(({ message }) => message.split(" ")[0])).toEqual(["listening", ...warnings]);
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "ends with its rows written and exit code 0 on %s",
    async (signal) => {
      standIn.setDefault(json(200, COMPLETION));
      const gateway = await serve();
      const connection = await openChat(gateway.url);
      expect((await connection.readResponse()).status).toBe(200);
      gateway.process.child.kill(signal);
      const { code, stdout } = await gateway.process.ended;
      expect(code).toBe(0);
      expect(rowsIn(stdout)).toMatchObject([{ outcome: "ok", usage_source: "reported" }]);
      expect(isAlive(gateway.workerd)).toBe(false);
    },
  );

  it.each([
    ["it alone is signalled", false],
    ["its whole process group is signalled", true],
  ])("lets a stream end whole when %s", async (_when, isGroup) => {
    const gateway = await serve();
    const streams = heldStreams();
    standIn.setDefault(streams.answer);
    const stream = await openChat(gateway.url, { stream: true });
    await stream.readHead();
    expect(String(await stream.readPiece())).toBe(FIRST);
    process.kill(isGroup ? -gateway.process.child.pid! : gateway.process.child.pid!, "SIGTERM");
    await gateway.process.seen("stderr", /"message":"draining"/);
    streams.endAll();
    const { body, clean } = await stream.readBody();
    expect({ body: String(body), clean }).toEqual({ body: LAST, clean: true });
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    expect(rowsIn(stdout)).toMatchObject([{ outcome: "ok", usage_source: "reported" }]);
  });

  it("ends at once on a second signal", async () => {
    const gateway = await serve();
    const streams = heldStreams();
    standIn.setDefault(streams.answer);
    const stream = await openChat(gateway.url, { stream: true });
    await stream.readHead();
    gateway.process.child.kill("SIGTERM");
    await gateway.process.seen("stderr", /"message":"draining"/);
    gateway.process.child.kill("SIGTERM");
    expect((await gateway.process.ended).code).toBe(143);
    await until(() => !isAlive(gateway.workerd));
  });
});
