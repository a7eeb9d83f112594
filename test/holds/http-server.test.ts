/** What only a server of our own has to hold: the wire as clients of every age speak it, and some that do not. */
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configOver, RUNTIMES, type Served, startServed } from "../ops/served.ts";
import { flood, json } from "../support/answers.ts";
import { openRaw, type RawConnection, rawBytes } from "../support/raw-http.ts";
import { settled } from "../support/settled.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { CHAT, COMPLETION, chatBytes, FIRST, heldStreams, KEY, LAST, openChat, SSE } from "./lab.ts";

const AUTH = `host: x\r\nauthorization: Bearer ${KEY}\r\n`;
const BODY = JSON.stringify({ model: "m", messages: [] });
const MIB = 1024 * 1024;

describe.each(RUNTIMES)("the server on $runtime", (runtime) => {
  let standIn: StandIn;
  let gateway: Served;
  const opened: RawConnection[] = [];
  beforeEach(async () => {
    standIn = await startStandIn(json(200, COMPLETION));
    gateway = await startServed(runtime, configOver(standIn.authority));
  });
  afterEach(async () => {
    for (const connection of opened.splice(0)) connection.destroy();
    await standIn.close();
  });
  const open = async (bytes: string | Uint8Array): Promise<RawConnection> => {
    const connection = await openRaw(gateway.url);
    opened.push(connection);
    connection.send(bytes);
    return connection;
  };

  it.each([
    ["a TLS handshake", "\x16\x03\x01\x00\xc4\x01\x00", 400],
    ["HTTP/2 in the clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["lines without their CR", "GET / HTTP/1.1\nhost: x\n\n", 400],
    ["a request without a host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["an expectation of something else", `POST ${CHAT} HTTP/1.1\r\n${AUTH}expect: more\r\n\r\n`, 417],
  ])("answers %s at once, and closes", async (_, bytes, status) => {
    const connection = await open(bytes);
    const response = await connection.readResponse();
    expect(response).toMatchObject({ status, clean: true });
    expect(response.header("x-beyond-request-id")).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    expect(response.header("connection")).toEqual(["close"]);
    expect(await connection.readRest()).toBe("");
    expect(standIn.requests).toEqual([]);
  });

  it("serves HTTP/1.0: without chunks, one request a connection or as many as are asked for", async () => {
    const request = (more: string) =>
      `POST ${CHAT} HTTP/1.0\r\n${AUTH}${more}content-length: ${BODY.length}\r\n\r\n${BODY}`;
    const kept = await open(request("connection: keep-alive\r\n"));
    const first = await kept.readResponse();
    expect(first.header("connection")).toEqual(["keep-alive"]);
    kept.send(request(""));
    expect((await kept.readResponse()).json()).toEqual(COMPLETION);
    expect(await kept.readRest()).toBe("");

    const streams = heldStreams();
    standIn.setDefault(streams.answer);
    const streamed = await open(request(""));
    const head = await streamed.readHead();
    expect(head.header("transfer-encoding")).toEqual([]);
    expect(head.header("connection")).toEqual(["close"]);
    streams.endAll();
    expect((await streamed.readBody()).body.toString()).toBe(FIRST + LAST);
  });

  it("answers HEAD without a body, and goes on", async () => {
    const connection = await open(`HEAD /openai/v1/models HTTP/1.1\r\n${AUTH}\r\n`);
    const head = await connection.readResponse(true);
    expect(head.status).toBe(200);
    expect(head.header("content-length")).toEqual([String(JSON.stringify(COMPLETION).length)]);
    connection.send(`HEAD ${CHAT} HTTP/1.1\r\n${AUTH}\r\n`);
    expect((await connection.readResponse(true)).status).toBe(405);
    connection.send(chatBytes(gateway.url));
    expect((await connection.readResponse()).status).toBe(200);
  });

  it("dates what the provider did not, and leaves its own date alone", async () => {
    const date = "Sun, 06 Nov 1994 08:49:37 GMT";
    const dateOf = async () => (await (await open(chatBytes(gateway.url))).readResponse()).header("date");
    standIn.setDefault(({ response }) => {
      response.sendDate = false;
      response.end("{}");
    });
    expect(Date.parse((await dateOf())[0]!)).not.toBeNaN();
    standIn.setDefault(json(200, COMPLETION, { date }));
    expect(await dateOf()).toEqual([date]);
  });

  it("keeps the connection of a small request that is refused, and closes on a large one after its answer", async () => {
    const small = await open(chatBytes(gateway.url, { key: "bai_v1.forged" }));
    expect((await small.readResponse()).status).toBe(401);
    small.send(chatBytes(gateway.url));
    expect((await small.readResponse()).status).toBe(200);

    const large = await open(
      chatBytes(gateway.url, { key: "bai_v1.forged", body: Buffer.alloc(8 * MIB, " ") }),
    );
    const refused = await large.readResponse();
    expect(refused).toMatchObject({ status: 401, clean: true });
    expect(refused.header("connection")).toEqual(["close"]);
    expect(await large.readRest()).toBe("");
  });

  it("asks for the body of a client that waits only when it is wanted", async () => {
    const request = (key: string) =>
      `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\nexpect: 100-continue\r\ncontent-length: ${BODY.length}\r\n\r\n`;
    const refused = await open(request("bai_v1.forged"));
    expect(await refused.readRest()).toMatch(/^HTTP\/1\.1 401 /);
    const admitted = await open(request(KEY).replace("expect:", "connection: close\r\nexpect:"));
    admitted.send(BODY);
    expect(await admitted.readRest()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  it("answers pipelined requests in order, refused ones among them", async () => {
    const forged = chatBytes(gateway.url, { key: "bai_v1.forged" });
    const good = chatBytes(gateway.url);
    const connection = await open(Buffer.concat([good, forged, good, forged, good]));
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await connection.readResponse()).status);
    expect(statuses).toEqual([200, 401, 200, 401, 200]);
  });

  it("holds no more than one read of what is pipelined behind a stream", async () => {
    const streams = heldStreams();
    standIn.setDefault(streams.answer);
    const connection = await openChat(gateway.url, { stream: true });
    opened.push(connection);
    await connection.readHead();
    const sent = 64 * MIB;
    connection.send(Buffer.alloc(sent, chatBytes(gateway.url)));
    // What the gateway read would be gone from here; the buffers of both systems take a few MiB.
    expect(await settled(() => connection.socket.writableLength)).toBeGreaterThan(sent / 2);
    streams.endAll();
  });

  it("notices a client that leaves behind the start of another request, with a silent provider", async () => {
    standIn.setDefault(heldStreams().answer);
    for (const next of ["\r\n", "POST / HT"]) {
      const connection = await open(chatBytes(gateway.url, { stream: true }));
      await connection.readHead();
      connection.send(next);
      await settled(() => connection.socket.writableLength);
      connection.destroy();
      await (await standIn.take()).clientGone;
    }
  });

  it("notices clients that leave without a word, unread bytes of theirs and ours on the way", async () => {
    standIn.setDefault(flood(SSE, FIRST, Number.POSITIVE_INFINITY).answer);
    const { hostname, port } = new URL(gateway.url);
    const clients = Array.from({ length: 20 }, () =>
      connect(Number(port), hostname)
        .on("error", () => {})
        .resume(),
    );
    for (const client of clients) {
      client.write(chatBytes(gateway.url, { stream: true }));
      client.write(Buffer.alloc(64 * 1024, "GET / HTTP/1.1\r\n"));
    }
    await until(() => clients.every(({ bytesRead }) => bytesRead > 10_000));
    for (const client of clients) client.destroy();
    await until(() => standIn.openSockets() === 0);
  });

  it("tells a stream's end from its breaking off, by chunks", async () => {
    standIn.setDefault(({ response }) => {
      response.writeHead(200, SSE);
      response.write(FIRST, () => response.destroy());
    });
    const connection = await open(chatBytes(gateway.url, { stream: true }));
    const response = await connection.readResponse();
    expect(response).toMatchObject({ status: 200, clean: false });
    expect(response.text()).toBe(FIRST);
  });

  it("answers on one connection as often as it is asked", async () => {
    const connection = await open("");
    for (let i = 0; i < 50; i++) {
      connection.send(chatBytes(gateway.url));
      expect((await connection.readResponse()).status).toBe(200);
    }
    expect((await rawBytes(gateway.url, chatBytes(gateway.url))).status).toBe(200);
  });
});
