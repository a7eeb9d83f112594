/** Providers that answer before they have read a request, or let one wait for the head of an answer. */
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { configOver, RUNTIMES, type Served, startServed } from "../ops/served.ts";
import { formatChunk, openRaw, type RawConnection } from "../support/raw-http.ts";
import { startRawProvider } from "../support/raw-provider.ts";
import { CHAT, chatBytes, KEY, rowsIn } from "./lab.ts";

const REFUSAL = `{"error":{"message":"too long"}}`;
const EARLY = `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${REFUSAL.length}\r\nconnection: close\r\n\r\n${REFUSAL}`;
const POST = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\n`;
/** More than the connections' buffers take, so that a write fails on the way. */
const LARGE_BYTES = 16 * 1024 * 1024;
const SHORT_READ_TIMEOUT = { read_timeout_secs: 1.5 };

describe.each(RUNTIMES)("what a provider says early, on $runtime:", (runtime) => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  async function serve(onConnection: (socket: Socket) => void, more = {}): Promise<Served> {
    const provider = await startRawProvider(onConnection);
    ends.push(provider.close);
    return startServed(runtime, configOver(provider.authority, more));
  }

  async function open({ url }: Served, bytes: string | Uint8Array = chatBytes(url)): Promise<RawConnection> {
    const connection = await openRaw(url);
    ends.push(() => connection.destroy());
    connection.send(bytes);
    return connection;
  }

  it("an answer comes through, though its connection breaks on the rest of the upload, and opens no breaker", async () => {
    // What has come is left unread, so that the system resets the connection.
    const gateway = await serve(
      (socket) => socket.once("data", () => socket.pause().write(EARLY, () => socket.destroy())),
      { circuit_breaker_threshold: 3 },
    );
    for (let n = 0; n < 12; n++) {
      const connection = await open(gateway, `${POST}content-length: ${LARGE_BYTES}\r\n\r\n`);
      connection.send(Buffer.alloc(LARGE_BYTES, " "));
      const response = await connection.readResponse();
      expect({ status: response.status, text: response.text() }).toEqual({ status: 400, text: REFUSAL });
      connection.destroy();
    }
  });

  it("an answer that only its connection's end would end is cut when the connection breaks on an upload", async () => {
    const unframed = EARLY.replace(/content-length: \d+\r\n/, "");
    const gateway = await serve((socket) =>
      socket.once("data", () => socket.pause().write(unframed, () => socket.destroy())),
    );
    const connection = await open(gateway, `${POST}content-length: ${LARGE_BYTES}\r\n\r\n`);
    connection.send(Buffer.alloc(LARGE_BYTES, " "));
    expect(await connection.readResponse()).toMatchObject({ status: 400, clean: false });
  });

  it.each([
    ["a head byte by byte", (n: number) => EARLY[n]!],
    ["interim responses", () => "HTTP/1.1 102 Processing\r\n\r\n"],
  ])("%s do not stand for a head", async (_, piece) => {
    const gateway = await serve((socket) => {
      let sent = 0;
      const timer = setInterval(() => socket.write(piece(sent++)), 100);
      socket.on("close", () => clearInterval(timer));
    }, SHORT_READ_TIMEOUT);
    const response = await (await open(gateway)).readResponse();
    expect(response.json()).toMatchObject({ error: { code: "upstream_timeout" } });
  });

  it("an interim response does not hurry a client that is still sending", async () => {
    const gateway = await serve(
      (socket) => socket.once("data", () => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n")),
      SHORT_READ_TIMEOUT,
    );
    const sending = await open(gateway, `${POST}transfer-encoding: chunked\r\n\r\n${formatChunk("{")}`);
    const sent = await open(gateway);
    const first = await Promise.race([
      sending.readResponse().then(() => "the one that is still sending"),
      sent.readResponse().then(({ status }) => status),
    ]);
    expect(first).toBe(504);
  });

  it("a 204 has no length", async () => {
    const gateway = await serve((socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n")),
    );
    const response = await (await open(gateway)).readHead();
    expect([response.status, response.header("content-length")]).toEqual([204, []]);
  });

  it("a stream that the gateway itself ends is cut short, and not its client's doing", async () => {
    const gateway = await serve(
      (socket) =>
        socket.once("data", () =>
          socket.write(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\n: hi\n\n",
          ),
        ),
      { shutdown_grace_period_secs: 1 },
    );
    const connection = await open(gateway);
    await connection.readHead();
    await connection.readPiece();
    gateway.process.child.kill("SIGTERM");
    const { stdout } = await gateway.process.ended;
    expect(rowsIn(stdout)).toEqual([expect.objectContaining({ outcome: "cut_short", status: 200 })]);
  });
});
