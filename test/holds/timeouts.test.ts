/** Each of the four time-outs and the pooled connection's, against a provider that hangs at just that point. */
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configOver, RUNTIMES, type Served, startServed } from "../ops/served.ts";
import { hangBeforeHead, hangMidBody, json } from "../support/answers.ts";
import { openRaw } from "../support/raw-http.ts";
import { startRawProvider } from "../support/raw-provider.ts";
import { type Exchange, type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { COMPLETION, chatBytes, FIRST, openChat, rowsIn, SSE } from "./lab.ts";

/**
 * Of one kind; the other kinds stay far away, so that only the one meant can end the request. What comes in time must do
 * so on a machine that stalls, too.
 */
const SOON_SECS = 1.5;

/** More than every buffer between a client and a provider takes. */
const LARGE_BYTES = 32 * 1024 * 1024;

const row = async ({ process }: Served) => {
  await process.seen("stdout", /\n/);
  return rowsIn(process.stdout())[0]!;
};

describe.each(RUNTIMES)("time-outs on $runtime", (runtime) => {
  let standIn: StandIn;
  beforeEach(async () => {
    standIn = await startStandIn();
  });
  afterEach(() => standIn.close());

  const serve = (more: Readonly<Record<string, unknown>>) =>
    startServed(runtime, configOver(standIn.authority, more));

  it("answers 504 when no head comes, has an estimated row, and leaves no connection to the provider", async () => {
    const gateway = await serve({ read_timeout_secs: SOON_SECS });
    standIn.setDefault(hangBeforeHead());
    const connection = await openChat(gateway.url);
    const response = await connection.readResponse();
    expect(response.status).toBe(504);
    expect(response.json()).toMatchObject({ error: { code: "upstream_timeout" } });
    expect(response.header("x-should-retry")).toEqual(["false"]);
    expect(await row(gateway)).toMatchObject({ outcome: "upstream_error", usage_source: "estimated" });
    await until(() => standIn.openSockets() === 0);
    connection.destroy();
  });

  it("breaks a stream off when the next chunk does not come, and leaves no connection to the provider", async () => {
    const gateway = await serve({ read_timeout_secs: SOON_SECS });
    standIn.setDefault(hangMidBody(SSE, FIRST));
    const connection = await openChat(gateway.url, { stream: true });
    expect((await connection.readHead()).status).toBe(200);
    expect(await connection.readBody()).toEqual({ body: Buffer.from(FIRST), clean: false });
    expect(await row(gateway)).toMatchObject({
      outcome: "cut_short",
      status: 200,
      usage_source: "estimated",
    });
    await until(() => standIn.openSockets() === 0);
  });

  it("does not count a client's own pause: a small upload may take longer than the read time-out", async () => {
    const gateway = await serve({ read_timeout_secs: SOON_SECS });
    standIn.setDefault(json(200, COMPLETION));
    const request = chatBytes(gateway.url);
    const connection = await openRaw(gateway.url);
    connection.send(request.subarray(0, -1));
    // Another request waits as long as the first one may not.
    standIn.enqueue("/v1/embeddings", hangBeforeHead());
    const other = await openChat(gateway.url, { target: "/openai/v1/embeddings" });
    expect((await other.readResponse()).status).toBe(504);
    connection.send(request.subarray(-1));
    expect((await connection.readResponse()).status).toBe(200);
    connection.destroy();
    other.destroy();
  });

  it("answers 502 when a connection is not made in time, after its retries, and leaves none behind", async () => {
    const connections: Socket[] = [];
    // It never answers a TLS hello, so that no connection is ever made.
    const silent = await startRawProvider((socket) => connections.push(socket.resume()));
    const gateway = await startServed(
      runtime,
      configOver(silent.authority, { upstream_tls: true, connect_timeout_secs: SOON_SECS }),
    );
    const connection = await openChat(gateway.url);
    const response = await connection.readResponse();
    expect(response.status).toBe(502);
    expect(response.json()).toMatchObject({ error: { code: "upstream_unreachable" } });
    expect(response.header("x-should-retry")).toEqual([]);
    expect(await row(gateway)).toMatchObject({ outcome: "upstream_error", usage_source: "none" });
    await until(() => connections.length > 2 && connections.every(({ closed }) => closed));
    expect(connections).toHaveLength(3);
    connection.destroy();
    silent.close();
  });

  it("gives up on a provider that takes no more of an upload", async () => {
    const gateway = await serve({ write_timeout_secs: SOON_SECS });
    const { promise: provider, resolve: arrived } = Promise.withResolvers<Exchange>();
    standIn.setDefault(Object.assign((exchange: Exchange) => arrived(exchange), { readBody: false }));
    const connection = await openChat(gateway.url, { body: Buffer.alloc(LARGE_BYTES, " ") });
    const response = await connection.readResponse();
    expect(response.status).toBe(504);
    expect(response.json()).toMatchObject({ error: { code: "upstream_timeout" } });
    expect(await row(gateway)).toMatchObject({ outcome: "upstream_error", usage_source: "none" });
    // The stand-in sees the end of a connection only when it reads.
    (await provider).response.req.resume();
    await until(() => standIn.openSockets() === 0);
    connection.destroy();
  });

  it("gives up on a provider that takes all of an upload but its end, wherever that is", async () => {
    const gateway = await serve({ write_timeout_secs: SOON_SECS, read_timeout_secs: SOON_SECS });
    const hanging: Exchange[] = [];
    standIn.setDefault(
      Object.assign((exchange: Exchange) => void hanging.push(exchange), { readBody: false }),
    );
    // Somewhere among these a system takes all but the last part.
    const sizes = Array.from({ length: 32 }, (_, i) => (i + 1) * 192 * 1024);
    const connections = await Promise.all(
      sizes.map((size) => openChat(gateway.url, { body: Buffer.alloc(size, " ") })),
    );
    const responses = await Promise.all(connections.map((connection) => connection.readResponse()));
    expect(responses.map(({ status }) => status)).toEqual(sizes.map(() => 504));
    for (const { response } of hanging) response.req.resume();
    await until(() => standIn.openSockets() === 0);
    for (const connection of connections) connection.destroy();
  });

  it("does not let a client that stalls in its upload hold a connection to the provider", async () => {
    const gateway = await serve({
      read_timeout_secs: SOON_SECS,
      write_timeout_secs: SOON_SECS,
      connect_timeout_secs: SOON_SECS,
    });
    standIn.setDefault(json(200, COMPLETION));
    const connection = await openChat(gateway.url, { body: Buffer.alloc(LARGE_BYTES, " ") }, 100_000);
    const seen = await standIn.take();
    expect((await seen.body).whole).toBe(false);
    // Bun can break off only what has a head.
    expect(await connection.readRest()).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(await row(gateway)).toMatchObject({ outcome: "client_cancelled", usage_source: "none" });
    await until(() => standIn.openSockets() === 0);
  });

  it("closes a pooled connection that nobody used for a while", async () => {
    const gateway = await serve({ idle_timeout_secs: SOON_SECS });
    standIn.setDefault(json(200, COMPLETION));
    const connection = await openChat(gateway.url);
    expect((await connection.readResponse()).status).toBe(200);
    await until(() => standIn.openSockets() === 0);
    connection.send(chatBytes(gateway.url));
    expect((await connection.readResponse()).status).toBe(200);
    connection.destroy();
  });
});
