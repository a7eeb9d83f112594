/** What the suite by URL cannot see of the servers' HTTP client: whom it trusts over TLS, and which connections it uses again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { LOCALHOST, TRUSTING } from "../support/tls.ts";

const UNASKED = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";

const servers: Server[] = [];
const probes: ChildProcess[] = [];
afterEach(() => {
  for (const probe of probes.splice(0)) probe.kill();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port; // a TCP server, so never a pipe's string
}

async function startTls(): Promise<{ port: number; requests: () => number; connections: () => number }> {
  let requests = 0;
  let connections = 0;
  const answer: RequestListener = (_request, response) => {
    requests++;
    response.end("well met");
  };
  const server = createHttpsServer({ ...LOCALHOST, maxHeaderSize: 65_536 }, answer);
  server.on("tlsClientError", () => {}).on("secureConnection", () => connections++);
  return { port: await listen(server), requests: () => requests, connections: () => connections };
}

const RUNTIMES = [
  ["Node", process.execPath],
  ["Bun", "node_modules/.bin/bun"],
] as const;

interface Probe {
  /** Sends a request, and says what became of it. */
  readonly ask: () => Promise<string | undefined>;
  /** There is nothing more to do; gives the exit code. */
  readonly end: () => Promise<number>;
}

function startProbe(runtime: string, args: readonly string[], env: Record<string, string> = {}): Probe {
  const child = spawn(runtime, ["test/support/client-probe.ts", ...args], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  probes.push(child);
  const outcomes = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async () => {
      child.stdin.write("\n");
      return (await outcomes.next()).value;
    },
    end: async () => {
      const exited = once(child, "exit");
      child.stdin.end();
      return (await exited)[0];
    },
  };
}

describe.each(RUNTIMES)("the HTTP client over TLS on %s", (_name, runtime) => {
  it("sends nothing to a server whose certificate nobody vouches for", async () => {
    const server = await startTls();
    const { ask } = startProbe(runtime, [`localhost:${server.port}`, "tls"]);
    expect(await ask()).toBe("upstream_unreachable");
    expect(server.requests()).toBe(0);
  });

  it("sends nothing to a server with another's certificate", async () => {
    const server = await startTls();
    const { ask } = startProbe(runtime, [`127.0.0.1:${server.port}`, "tls"], TRUSTING);
    expect(await ask()).toBe("upstream_unreachable");
    expect(server.requests()).toBe(0);
  });

  it("talks to a server that is who it says", async () => {
    const server = await startTls();
    const { ask } = startProbe(runtime, [`localhost:${server.port}`, "tls"], TRUSTING);
    expect(await ask()).toBe("200 well met");
    expect(await ask()).toBe("200 well met");
  });

  it("keeps the connection of a request that is a large head and nothing else", async () => {
    const server = await startTls();
    const { ask } = startProbe(runtime, [`localhost:${server.port}`, "tls", "20000"], TRUSTING);
    for (let n = 0; n < 3; n++) expect(await ask()).toBe("200 well met");
    expect(server.connections()).toBe(1);
  });
});

describe.each(RUNTIMES)("the HTTP client's connections on %s", (_name, runtime) => {
  async function startPlain(onRequest: (socket: Socket, respond: () => void, count: number) => void) {
    let connections = 0;
    let requests = 0;
    const server = createHttpServer((request, response) => {
      requests++;
      onRequest(request.socket, () => void response.end("ok"), requests);
    });
    server.on("connection", () => connections++);
    const port = await listen(server);
    const probe = startProbe(runtime, [`127.0.0.1:${port}`, "plain"]);
    return { ...probe, counts: () => ({ connections, requests }) };
  }

  it("are used again", async () => {
    const { ask, counts } = await startPlain((_socket, respond) => respond());
    for (let n = 0; n < 3; n++) expect(await ask()).toBe("200 ok");
    expect(counts()).toEqual({ connections: 1, requests: 3 });
  });

  it("never carry a request twice: one that dies on a kept connection fails", async () => {
    const { ask, counts } = await startPlain((socket, respond, count) =>
      count === 2 ? void socket.destroy() : respond(),
    );
    expect(await ask()).toBe("200 ok");
    expect(await ask()).toBe("upstream_unreachable");
    expect(await ask()).toBe("200 ok");
    expect(counts()).toEqual({ connections: 2, requests: 3 });
  });

  it("are not used again when the peer said more than was asked", async () => {
    const { ask, counts } = await startPlain((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok${UNASKED}`);
    });
    expect(await ask()).toBe("200 ok");
    expect(await ask()).toBe("200 ok");
    expect(counts()).toEqual({ connections: 2, requests: 2 });
  });

  it("end when the peer says something while nothing is asked", async () => {
    const kept: Socket[] = [];
    const { ask, counts } = await startPlain((socket, respond) => {
      kept.push(socket);
      respond();
    });
    expect(await ask()).toBe("200 ok");
    await new Promise((resolve) => kept[0]!.once("close", resolve).write(UNASKED));
    expect(await ask()).toBe("200 ok");
    expect(counts()).toEqual({ connections: 2, requests: 2 });
  });

  it("do not keep the process while nothing is asked", async () => {
    const { ask, end } = await startPlain((_socket, respond) => respond());
    expect(await ask()).toBe("200 ok");
    expect(await end()).toBe(0);
  });
});
