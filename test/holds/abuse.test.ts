/** Connections that stall, requests that are malformed on purpose, and more bodies than there is memory for. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configOver, RUNTIMES, type Served, startServed } from "../ops/served.ts";
import { json } from "../support/answers.ts";
import { openRaw, type RawConnection } from "../support/raw-http.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { COMPLETION, chatBytes, KEY, metric, openChat } from "./lab.ts";

/** As many as the machine's limit of open files leaves to this process, beside what tests need. */
const IDLE_CONNECTIONS = Math.min(10_000, Math.floor(openFiles() * 0.8));
const STALLED_CONNECTIONS = 500;
/** At most this many wait for the kernel at a time. */
const OPENED_AT_ONCE = 200;

const HEAD = `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\n`;
const SMUGGLED = `GET /openai/v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\nx-smuggled: 1\r\n\r\n`;

/** Requests that two parsers may read as one or as two. */
const SMUGGLING: Readonly<Record<string, string>> = {
  "a length and chunks": `content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "chunks and a length": `transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n5\r\nabcde\r\n0\r\n\r\n${SMUGGLED}`,
  "two lengths": `content-length: 2\r\ncontent-length: ${2 + SMUGGLED.length}\r\n\r\n{}${SMUGGLED}`,
  "a list of lengths": `content-length: 2, 5\r\n\r\n{}${SMUGGLED}`,
  "a signed length": `content-length: +2\r\n\r\n{}${SMUGGLED}`,
  "a hexadecimal length": `content-length: 0x2\r\n\r\n{}${SMUGGLED}`,
  "a negative length": `content-length: -1\r\n\r\n${SMUGGLED}`,
  "an unknown coding": `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "chunked, but not last": `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "chunked with a tail": `transfer-encoding: chunked\x0b\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "a chunk size that is none": `transfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n${SMUGGLED}`,
  "a chunk that is longer than it says": `transfer-encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n${SMUGGLED}`,
  "a chunk size beyond all numbers": `transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n${SMUGGLED}`,
  "a folded header": `x-folded: a\r\n transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "a space before the colon": `transfer-encoding : chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "a bare carriage return in a value": `x-a: b\rtransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "a zero byte in a value": `x-a: b\0c\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`,
};

describe.each(RUNTIMES)("the gateway on $runtime", (runtime) => {
  let standIn: StandIn;
  let gateway: Served;
  const opened: RawConnection[] = [];
  const serve = async (more: Readonly<Record<string, unknown>> = {}): Promise<void> => {
    gateway = await startServed(runtime, configOver(standIn.authority, more));
  };
  beforeEach(async () => {
    standIn = await startStandIn(json(200, COMPLETION));
  });
  afterEach(async () => {
    for (const connection of opened.splice(0)) connection.destroy();
    await standIn.close();
  });

  const open = async (count: number, bytes: string | Uint8Array = ""): Promise<void> => {
    for (let left = count; left > 0; left -= OPENED_AT_ONCE) {
      const some = Array.from({ length: Math.min(left, OPENED_AT_ONCE) }, () => openRaw(gateway.url));
      for (const connection of await Promise.all(some)) {
        opened.push(connection);
        if (bytes.length > 0) connection.send(bytes);
      }
    }
  };
  const expectService = async (): Promise<void> => {
    const connection = await openChat(gateway.url);
    expect(await connection.readResponse()).toMatchObject({ status: 200, clean: true });
    connection.destroy();
  };

  it(`serves beside ${IDLE_CONNECTIONS} idle connections`, async () => {
    await serve();
    await open(IDLE_CONNECTIONS);
    await expectService();
    expect(await metric(gateway.adminUrl, "ai_requests_in_flight")).toBe(0);
  });

  it("serves beside many that stall in their head or in a small body, which cost the provider no connection", async () => {
    await serve({ rate_limit_rps: 0 });
    const request = chatBytes(gateway.url);
    await open(STALLED_CONNECTIONS, request.subarray(0, 30));
    await open(STALLED_CONNECTIONS, request.subarray(0, -1));
    await until(
      async () => (await metric(gateway.adminUrl, "ai_requests_in_flight")) === STALLED_CONNECTIONS,
    );
    await expectService();
    expect(standIn.requests).toHaveLength(1);
    for (const connection of opened.splice(0)) connection.destroy();
    await until(async () => (await metric(gateway.adminUrl, "ai_requests_in_flight")) === 0);
  });

  it.each([
    { kilobytes: 15, statuses: [200] },
    { kilobytes: 64, statuses: [200, 431] },
    { kilobytes: 300, statuses: [431] },
  ])(
    "answers $kilobytes KB of headers with one of $statuses, and goes on",
    async ({ kilobytes, statuses }) => {
      await serve();
      const connection = await openChat(gateway.url, {
        headers: [["x-large", "a".repeat(kilobytes * 1000)]],
      });
      const response = await connection.readResponse();
      expect(statuses).toContain(response.status);
      connection.destroy();
      await expectService();
    },
  );

  it("reads a request that is framed in two ways as one at most, and goes on", async () => {
    await serve();
    const smuggledBy = async (rest: string): Promise<number> => {
      standIn.reset();
      const connection = await openRaw(gateway.url);
      // What the gateway does not end itself, it is waiting for more of.
      connection.socket.end(HEAD + rest);
      await connection.readRest();
      connection.destroy();
      await expectService();
      return standIn.requests.filter((seen) => seen.header("x-smuggled").length > 0).length;
    };
    // As a request of its own it is served: else the rest would show nothing.
    const whole = await openRaw(gateway.url);
    whole.send(SMUGGLED);
    expect((await whole.readResponse()).status).toBe(200);
    expect(standIn.requests.map((seen) => seen.header("x-smuggled"))).toEqual([["1"]]);
    whole.destroy();
    for (const [name, rest] of Object.entries(SMUGGLING)) {
      expect({ name, smuggled: await smuggledBy(rest) }).toEqual({ name, smuggled: 0 });
    }
  });

  it("answers 503 before its memory for bodies is used up, and serves again when some is free", async () => {
    await serve({ max_buffered_bytes: 100_000 });
    const large = chatBytes(gateway.url, { body: `{"model":"m","user":"${"x".repeat(60_000)}"}` });
    await open(2, large.subarray(0, -1));
    await until(async () => (await metric(gateway.adminUrl, "ai_requests_in_flight")) === 2);
    const refused = await openChat(gateway.url);
    const response = await refused.readResponse();
    expect(response.status).toBe(503);
    expect(response.json()).toMatchObject({ error: { code: "overloaded", type: "overloaded_error" } });
    expect(response.header("retry-after")).toEqual([expect.stringMatching(/^[1-5]$/)]);
    refused.destroy();
    opened[0]!.send(large.subarray(-1));
    expect(await opened[0]!.readResponse()).toMatchObject({ status: 200 });
    await expectService();
  });
});

/** The limit of this process; a gateway that it starts inherits it. */
function openFiles(): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } }; // Node types it as `object`
  const limit = Number(report.userLimits?.open_files?.soft);
  return Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit;
}
