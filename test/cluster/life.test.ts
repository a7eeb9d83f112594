/** The beginning and the end of `workers = N`: all of them or none, and nobody is left behind. */
import { createServer } from "node:net";
import { stringify } from "smol-toml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli, temporaryFile } from "../cli/cli.ts";
import { heldStreams, openChat } from "../holds/lab.ts";
import { configOver } from "../ops/served.ts";
import { isAlive } from "../support/alive.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { pidOf, serveWorkers } from "./lab.ts";

let standIn: StandIn;
beforeEach(async () => {
  standIn = await startStandIn();
});
afterEach(() => standIn.close());

describe("a start with workers", () => {
  it("says `listening` once, when all of them do", async () => {
    const gateway = await serveWorkers(standIn.authority, { workers: 3 });
    const said = gateway.process.stderr();
    expect(said.match(/"message":"listening"/g)).toHaveLength(1);
    const started = said.slice(0, said.indexOf('"message":"listening"')).match(/"message":"worker started"/g);
    expect(started).toHaveLength(3);
  });

  it.each(["listen", "metrics_listen"])(
    "fails with one line that names %s when its port is taken",
    async (key) => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      const address = taken.address();
      if (address === null || typeof address === "string") throw new Error("not a TCP server");
      const config = configOver(standIn.authority, {
        workers: 2,
        log_level: "error",
        [key]: `127.0.0.1:${address.port}`,
      });
      const { code, stdout, stderr } = await runCli([
        "serve",
        "--config",
        temporaryFile("c.toml", stringify(config)),
      ]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(JSON.parse(stderr)).toMatchObject({
        level: "error",
        message: expect.stringMatching(new RegExp(`^${key}: 127.0.0.1:${address.port} is in use`)),
      });
      taken.close();
    },
  );
});

describe("the end of the primary", () => {
  it.each(["a second signal", "SIGKILL"])("by %s ends its workers, streams or not", async (how) => {
    const gateway = await serveWorkers(standIn.authority);
    const pids = [pidOf(gateway, 1), pidOf(gateway, 2)];
    standIn.setDefault(heldStreams().answer);
    const stream = await openChat(gateway.url, { stream: true });
    await stream.readHead();
    const { child } = gateway.process;
    if (how === "SIGKILL") child.kill("SIGKILL");
    else {
      child.kill("SIGTERM");
      await gateway.process.seen("stderr", /"message":"draining"/);
      child.kill("SIGINT");
    }
    expect((await gateway.process.ended).code).toBe(how === "SIGKILL" ? null : 130);
    expect((await stream.readBody()).clean).toBe(false);
    await until(() => !pids.some(isAlive));
  });

  it("by a signal to the whole process group is a drain all the same", async () => {
    const gateway = await serveWorkers(standIn.authority);
    const streams = heldStreams();
    standIn.setDefault(streams.answer);
    const stream = await openChat(gateway.url, { stream: true });
    await stream.readHead();
    process.kill(-gateway.process.child.pid!, "SIGTERM");
    await gateway.process.seen("stderr", /"message":"draining"/);
    streams.endAll();
    expect((await stream.readBody()).clean).toBe(true);
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    expect(stdout.match(/"outcome":"ok"/g)).toHaveLength(1);
  });
});
