/** A deploy takes nothing from anybody who was being served. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configOver, NODE_WORKERS, RUNTIMES, startServed } from "../ops/served.ts";
import { json } from "../support/answers.ts";
import { openRaw, type RawConnection } from "../support/raw-http.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { COMPLETION, chatBytes, FIRST, heldStreams, isRefused, LAST, openChat, rowsIn } from "./lab.ts";

const STREAMS = 200;
/** Clients that ask one short request after the other while the signal comes. */
const BUSY_CLIENTS = 16;

describe.each([...RUNTIMES, NODE_WORKERS])("a shutdown on $runtime", (runtime) => {
  let standIn: StandIn;
  beforeEach(async () => {
    standIn = await startStandIn();
  });
  afterEach(() => standIn.close());

  const serve = (more: Readonly<Record<string, unknown>> = {}) =>
    startServed(runtime, configOver(standIn.authority, { rate_limit_rps: 0, ...more }));

  /** An open stream, its first event read. */
  const openStream = async (url: string): Promise<RawConnection> => {
    const connection = await openChat(url, { stream: true });
    await connection.readHead();
    expect(String(await connection.readPiece())).toBe(FIRST);
    return connection;
  };

  it("lets 200 open streams end whole, takes no new connection, writes every row and exits 0", async () => {
    const gateway = await serve();
    const streams = heldStreams();
    standIn.setDefault(streams.answer);
    const open = await Promise.all(Array.from({ length: STREAMS }, () => openStream(gateway.url)));
    gateway.process.child.kill("SIGTERM");
    await gateway.process.seen("stderr", /"message":"draining"/);
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(503);
    await until(() => isRefused(gateway.url));
    expect((await fetch(`${gateway.adminUrl}/livez`)).status).toBe(200);
    streams.endAll();
    for (const stream of open) {
      const { body, clean } = await stream.readBody();
      expect({ body: String(body), clean }).toEqual({ body: LAST, clean: true });
    }
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    const rows = rowsIn(stdout);
    expect(new Set(rows.map((row) => row.request_id)).size).toBe(STREAMS);
    for (const row of rows) expect(row).toMatchObject({ outcome: "ok", usage_source: "reported" });
  });

  it("answers whatever it takes up under load, and has a row for each", async () => {
    const gateway = await serve();
    standIn.setDefault(json(200, COMPLETION));
    let served = 0;
    let firstServed: () => void = () => undefined;
    const busy = new Promise<void>((resolve) => {
      firstServed = resolve;
    });
    const client = async (): Promise<void> => {
      for (;;) {
        const connection = await openChat(gateway.url).catch(() => undefined);
        if (!connection) return;
        // A connection that the kernel took and nobody accepted any more ends before a head.
        const head = await connection.readHead().catch(() => undefined);
        if (!head) return;
        const { body, clean } = await connection.readBody();
        connection.destroy();
        expect({ status: head.status, clean }).toEqual({
          status: head.status === 503 ? 503 : 200,
          clean: true,
        });
        if (head.status === 503)
          expect(JSON.parse(String(body))).toMatchObject({ error: { code: "draining" } });
        else if (++served === 10 * BUSY_CLIENTS) firstServed();
      }
    };
    const clients = Array.from({ length: BUSY_CLIENTS }, client);
    await busy;
    gateway.process.child.kill("SIGTERM");
    await Promise.all(clients);
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    expect(rowsIn(stdout)).toHaveLength(served);
  });

  it("goes on serving new connections within the delay, and readyz says so", async () => {
    const gateway = await serve({ shutdown_delay_secs: 600 });
    standIn.setDefault(json(200, COMPLETION));
    gateway.process.child.kill("SIGTERM");
    await gateway.process.seen("stderr", /"message":"draining"/);
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(503);
    const connection = await openChat(gateway.url);
    expect(await connection.readResponse()).toMatchObject({ status: 200, clean: true });
    connection.destroy();
    gateway.process.child.kill("SIGTERM");
    expect((await gateway.process.ended).code).toBe(143);
  });

  it("refuses what still comes on a connection that was in use, and says when to come back", async () => {
    const gateway = await serve();
    const streams = heldStreams();
    standIn.setDefault(streams.answer);
    const stream = await openStream(gateway.url);
    const late = await openRaw(gateway.url);
    const request = chatBytes(gateway.url);
    late.send(request.subarray(0, 40));
    // By the time this one is answered, the gateway has read the other's beginning.
    const other = await openStream(gateway.url);
    gateway.process.child.kill("SIGTERM");
    await until(() => isRefused(gateway.url));
    late.send(request.subarray(40));
    const refusal = await late.readResponse();
    expect(refusal).toMatchObject({ status: 503, clean: true });
    expect(refusal.json()).toMatchObject({ error: { code: "draining" } });
    expect(refusal.header("retry-after")).toEqual([expect.stringMatching(/^[1-5]$/)]);
    expect(refusal.header("x-beyond-request-id")).toHaveLength(1);
    expect(standIn.requests).toHaveLength(2);
    streams.endAll();
    await Promise.all([stream.readBody(), other.readBody()]);
    expect((await gateway.process.ended).code).toBe(0);
  });

  it("waits for no idle connection", async () => {
    const gateway = await serve();
    standIn.setDefault(json(200, COMPLETION));
    const idle = await openChat(gateway.url);
    await idle.readResponse();
    const unused = await openRaw(gateway.url);
    const rest = idle.readRest();
    gateway.process.child.kill("SIGTERM");
    expect((await gateway.process.ended).code).toBe(0);
    expect(await rest).toBe("");
    unused.destroy();
  });

  it("breaks off what outlives the grace period, has a row for it and exits 0", async () => {
    const gateway = await serve({ shutdown_grace_period_secs: 0.2 });
    standIn.setDefault(heldStreams().answer);
    const stream = await openStream(gateway.url);
    const { clientGone } = await standIn.take();
    gateway.process.child.kill("SIGTERM");
    expect(await stream.readBody()).toMatchObject({ clean: false });
    await clientGone;
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    expect(rowsIn(stdout)).toHaveLength(1);
  });
});
