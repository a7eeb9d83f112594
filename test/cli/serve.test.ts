/** A served gateway as its supervisor sees it: ready lines, streams, signals, exit codes. */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { afterEach, describe, expect, it } from "vitest";
import { readKeyVectors } from "../support/fixtures.ts";
import { createMailbox } from "../support/mailbox.ts";
import { mint } from "../support/mint.ts";
import { type RunningCommand, startCli, temporaryFile, temporaryFolder } from "./cli.ts";

const EVENT =
  'data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n';
const LAST = "data: [DONE]\n\n";

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

/** A provider that sends one event and then waits to be told how to go on. */
async function holdingProvider(): Promise<{ authority: string; answers: () => Promise<ServerResponse> }> {
  const begun = createMailbox<ServerResponse>();
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write(EVENT);
      begun.put(response);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  closings.push(() => void server.close().closeAllConnections());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { authority: `127.0.0.1:${port}`, answers: () => begun.take() };
}

const configFor = (authority: string, more: Record<string, unknown> = {}): string =>
  stringify({
    listen: "127.0.0.1:0",
    metrics_listen: "127.0.0.1:0",
    shutdown_delay_secs: 0,
    upstream_tls: false,
    signing_keys: readKeyVectors().signing_keys,
    pool_keys: { openai: "sk-pool" },
    provider_authorities: { openai: authority },
    ...more,
  });

interface Ready {
  readonly message: string;
  readonly url: string;
  readonly admin_url: string;
}

async function ready(gateway: RunningCommand): Promise<Ready> {
  const [line] = await gateway.seen("stderr", /^.*"message":"listening".*$/m);
  return JSON.parse(line);
}

/** A managed stream of which the first event has arrived. */
async function openStream(url: string): Promise<ReadableStreamDefaultReader<string>> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${mint({ tenantId: "42" })}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "m", stream: true, messages: [] }),
  });
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  return reader;
}

async function readRest(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  return text;
}

const isJsonLine = (line: string): boolean => line.startsWith("{") && typeof JSON.parse(line) === "object";

describe("serve", () => {
  it("is the default command, reads ./config.toml, and says where it listens at any log level", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "config.toml"), configFor("127.0.0.1:9", { log_level: "error" }));
    const gateway = startCli([], { cwd: folder });
    const line = await ready(gateway);
    expect(line).toMatchObject({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      config: "config.toml",
    });
    expect((await fetch(`${line.admin_url}/readyz`)).status).toBe(200);
    expect((await fetch(`${line.url}/v1/models`)).status).toBe(401);
    gateway.child.kill("SIGTERM");
    expect(await gateway.ended).toMatchObject({ code: 0, stdout: "" });
  });

  it("reads ./config.toml only when --config is not given", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "etc"));
    writeFileSync(join(folder, "config.toml"), "this is no TOML");
    writeFileSync(join(folder, "etc/gateway.toml"), configFor("127.0.0.1:9"));
    const gateway = startCli(["--config", "etc/gateway.toml"], { cwd: folder });
    expect(await ready(gateway)).toMatchObject({ config: "etc/gateway.toml" });
  });

  it("writes nothing but JSON lines to stderr, warnings among them", async () => {
    const gateway = startCli(["serve", "--config", temporaryFile("c.toml", configFor("127.0.0.1:9"))]);
    await ready(gateway);
    gateway.child.kill("SIGTERM");
    const { stderr } = await gateway.ended;
    expect(stderr.trimEnd().split("\n").every(isJsonLine)).toBe(true);
    expect(stderr).toContain("upstream_tls is false");
  });
});

/** A NATS that takes connections and says nothing: the start waits for it, for some seconds. */
async function silentNats(): Promise<{ url: string; isAsked: Promise<unknown> }> {
  const server = createTcpServer((socket) => {
    closings.push(() => socket.destroy());
  }).listen(0, "127.0.0.1");
  const isAsked = once(server, "connection");
  await once(server, "listening");
  closings.push(() => void server.close());
  const address = server.address();
  return { url: `ws://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, isAsked };
}

describe("a signal during the start", () => {
  const startWaiting = async () => {
    const { url, isAsked } = await silentNats();
    const config = temporaryFile("c.toml", configFor("127.0.0.1:9", { nats_url: url }));
    const gateway = startCli(["serve", "--config", config]);
    await isAsked;
    return gateway;
  };

  it("to stop stops it", async () => {
    const gateway = await startWaiting();
    gateway.child.kill("SIGTERM");
    const { code, stderr } = await gateway.ended;
    expect(code).toBe(0);
    expect(stderr).not.toContain('"listening"');
  });

  it("to reload is obeyed once it runs", async () => {
    const gateway = await startWaiting();
    gateway.child.kill("SIGHUP");
    await ready(gateway);
    await gateway.seen("stderr", /config reloaded/);
  });
});

describe("signals", () => {
  const start = async (more?: Record<string, unknown>) => {
    const provider = await holdingProvider();
    const gateway = startCli([
      "serve",
      "--config",
      temporaryFile("c.toml", configFor(provider.authority, more)),
    ]);
    const { url, admin_url } = await ready(gateway);
    const stream = await openStream(url);
    return { gateway, url, adminUrl: admin_url, stream, answer: await provider.answers() };
  };

  it.each(["SIGTERM", "SIGINT"] as const)(
    "%s lets a stream finish, writes its row and exits 0",
    async (signal) => {
      const { gateway, adminUrl, stream, answer } = await start();
      gateway.child.kill(signal);
      await gateway.seen("stderr", /"message":"draining"/);
      expect((await fetch(`${adminUrl}/readyz`)).status).toBe(503);
      answer.end(LAST);
      expect(await readRest(stream)).toBe(LAST);
      const { code, stdout } = await gateway.ended;
      expect(code).toBe(0);
      expect(stdout.trimEnd().split("\n")).toHaveLength(1);
      expect(stdout).toContain('"tenant_id":42,');
    },
  );

  it.each([
    { signal: "SIGTERM", code: 143 },
    { signal: "SIGINT", code: 130 },
  ] as const)(
    "a second $signal ends at once with exit code $code, stream or not",
    async ({ signal, code }) => {
      const { gateway, stream } = await start();
      const broken = expect(readRest(stream)).rejects.toThrow();
      gateway.child.kill("SIGTERM");
      await gateway.seen("stderr", /"message":"draining"/);
      gateway.child.kill(signal);
      expect((await gateway.ended).code).toBe(code);
      await broken;
    },
  );

  it("npm's copy of a signal that the process group had already is no second signal", async () => {
    const config = temporaryFile("c.toml", configFor("127.0.0.1:9", { shutdown_delay_secs: 0.1 }));
    const gateway = startCli(["serve", "--config", config], {
      env: { npm_lifecycle_script: "node adapters/node/bin.ts serve" },
    });
    await ready(gateway);
    gateway.child.kill("SIGTERM");
    await gateway.seen("stderr", /"message":"draining"/);
    gateway.child.kill("SIGTERM");
    const { code, stderr } = await gateway.ended;
    expect(code).toBe(0);
    expect(stderr).toContain('"message":"drained"');
  });
});
