/** A supervisor that does not read the diagnostics holds nobody else up. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { expect, it } from "vitest";
import { CLOSED_PORT } from "../support/closed-port.ts";
import { until } from "../support/until.ts";

/** A line of each is more than a pipe takes. */
const FAILURES = 800;
const AT_ONCE = 20;

/** A pipe that the test reads when it likes; the gateway's end of it blocks, as that of most supervisors does. */
function openPipe(folder: string) {
  const path = join(folder, "stderr");
  spawnSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  let text = "";
  const read = (): string => {
    const chunk = Buffer.alloc(65_536);
    try {
      text += chunk.toString("latin1", 0, readSync(reader, chunk));
    } catch {
      // Nothing is there.
    }
    return text;
  };
  return { reader, writer, read };
}

it.each([
  ["Node", [process.execPath, "adapters/node/bin.ts"]],
  ["Bun", ["node_modules/.bin/bun", "adapters/bun/bin.ts"]],
])("goes on when nobody reads its stderr, on %s", async (_, [program = "", ...args]) => {
  const folder = mkdtempSync(join(tmpdir(), "beyond-ai-stderr-"));
  const config = join(folder, "config.toml");
  const anywhere = { listen: "127.0.0.1:0", metrics_listen: "127.0.0.1:0", shutdown_delay_secs: 0 };
  const nowhere = {
    upstream_tls: false,
    provider_authorities: { openai: CLOSED_PORT },
  };
  const unlimited = { byo_rate_limit_rps: 100_000, rate_limit_rps: 100_000, circuit_breaker_threshold: 0 };
  writeFileSync(config, stringify({ ...anywhere, ...unlimited, ...nowhere }));
  const { reader, writer, read } = openPipe(folder);
  const gateway = spawn(program, [...args, "serve", "--config", config], {
    stdio: ["ignore", "ignore", writer],
  });
  const ended = once(gateway, "exit");
  try {
    await until(() => read().includes('"listening"'));
    const url = /"url":"(http:[^"]+)"/.exec(read())![1]!;
    const fail = async (): Promise<number> => {
      const request = { method: "POST", headers: { authorization: "Bearer sk-own" }, body: "{}" };
      const response = await fetch(`${url}/openai/v1/chat/completions`, request);
      await response.arrayBuffer();
      return response.status;
    };
    for (let done = 0; done < FAILURES; done += AT_ONCE) {
      const statuses = await Promise.all(Array.from({ length: AT_ONCE }, fail));
      expect(new Set(statuses)).toEqual(new Set([502]));
    }
    gateway.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  } finally {
    gateway.kill("SIGKILL");
    for (const fd of [reader, writer]) closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  }
});
