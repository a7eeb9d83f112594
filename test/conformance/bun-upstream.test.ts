/** What the suite by URL cannot see of the Bun upstream: whom it trusts over TLS, and which connections it uses again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";

const TLS = new URL("../support/tls/", import.meta.url);
const CERT_FILE = fileURLToPath(new URL("localhost.cert.pem", TLS));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port; // a TCP server, so never a pipe's string
}

async function startTls(): Promise<{ port: number; requests: () => number }> {
  let requests = 0;
  const answer: RequestListener = (_request, response) => {
    requests++;
    response.end("well met");
  };
  const key = readFileSync(new URL("localhost.key.pem", TLS));
  const server = createHttpsServer({ key, cert: readFileSync(CERT_FILE) }, answer);
  server.on("tlsClientError", () => {});
  return { port: await listen(server), requests: () => requests };
}

async function probe(args: readonly string[], env: Record<string, string> = {}): Promise<string[]> {
  const child = spawn("node_modules/.bin/bun", ["test/support/bun-probe.ts", ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return (await text(child.stdout)).trim().split("\n");
}

describe("the Bun upstream over TLS", () => {
  it("sends nothing to a server whose certificate nobody vouches for", async () => {
    const server = await startTls();
    expect(await probe([`localhost:${server.port}`, "tls", "1"])).toEqual(["upstream_unreachable"]);
    expect(server.requests()).toBe(0);
  });

  it("sends nothing to a server with another's certificate", async () => {
    const server = await startTls();
    const trusting = { NODE_EXTRA_CA_CERTS: CERT_FILE };
    expect(await probe([`127.0.0.1:${server.port}`, "tls", "1"], trusting)).toEqual(["upstream_unreachable"]);
    expect(server.requests()).toBe(0);
  });

  it("talks to a server that is who it says", async () => {
    const server = await startTls();
    const trusting = { NODE_EXTRA_CA_CERTS: CERT_FILE };
    expect(await probe([`localhost:${server.port}`, "tls", "2"], trusting)).toEqual([
      "200 well met",
      "200 well met",
    ]);
  });
});

describe("the Bun upstream's connections", () => {
  async function startPlain(onRequest: (socket: Socket, respond: () => void, count: number) => void) {
    let connections = 0;
    let requests = 0;
    const server = createHttpServer((request, response) => {
      requests++;
      onRequest(request.socket, () => void response.end("ok"), requests);
    });
    server.on("connection", () => connections++);
    const port = await listen(server);
    return { args: [`127.0.0.1:${port}`, "plain"], counts: () => ({ connections, requests }) };
  }

  it("are used again", async () => {
    const server = await startPlain((_socket, respond) => respond());
    expect(await probe([...server.args, "3"])).toEqual(["200 ok", "200 ok", "200 ok"]);
    expect(server.counts()).toEqual({ connections: 1, requests: 3 });
  });

  it("never carry a request twice: one that dies on a kept connection fails", async () => {
    const server = await startPlain((socket, respond, count) =>
      count === 2 ? void socket.destroy() : respond(),
    );
    expect(await probe([...server.args, "3"])).toEqual(["200 ok", "upstream_unreachable", "200 ok"]);
    expect(server.counts()).toEqual({ connections: 2, requests: 3 });
  });

  it("are not used again once the peer said something unasked", async () => {
    const server = await startPlain((socket, respond) => {
      respond();
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
    });
    expect(await probe([...server.args, "2"])).toEqual(["200 ok", "200 ok"]);
    expect(server.counts()).toEqual({ connections: 2, requests: 2 });
  });
});
