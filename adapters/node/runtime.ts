/** Node's listeners: our own server on its sockets for the gateway, node:http with @hono/node-server for everything else. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { ListenAddress } from "../../src/config/address.ts";
import { listenHttp1 } from "../server/http/server/http1-server.ts";
import { createLate } from "../server/late.ts";
import type { OpenServer, ServerRuntime } from "../server/runtime.ts";
import { createHttpClient } from "./client.ts";
import { listen } from "./listen.ts";
import { listenForSockets } from "./sockets.ts";

/** Not imported: an `import` evaluates every export of node:http, one of which loads Node's fetch, 25 ms of each start. */
const { createServer } = process.getBuiltinModule("node:http");

/** How often a server that closes looks for connections that have become idle, in milliseconds. */
const SWEEP_MS = 100;

export const nodeRuntime: ServerRuntime = {
  listen: (state, address) =>
    listenHttp1(
      state,
      createHttpClient(() => state.settings.config),
      address,
      listenForSockets,
    ),
  listenApp(app, address) {
    const listener = createLate(async () => {
      const { getRequestListener } = await import("@hono/node-server");
      return getRequestListener((request, { incoming }) =>
        app.fetch(request, { remoteAddress: incoming.socket.remoteAddress }),
      );
    });
    const server = createServer((incoming, outgoing) => {
      listener()
        .then((listen) => listen(incoming, outgoing))
        .catch(() => outgoing.destroy());
    });
    return open(server, address);
  },
  // Loaded on use: a gateway of one process pays nothing for it.
  openWorkers: async (options) => (await import("./cluster/workers.ts")).openWorkers(options),
};

async function open(server: Server, address: ListenAddress): Promise<OpenServer> {
  const connections = trackConnections(server);
  return {
    port: await listen(server, address),
    close: () => closeServer(server, connections),
    destroy: () => void server.close().closeAllConnections(),
  };
}

/**
 * node:http closes what is idle when asked, but not what becomes idle later, and counts a connection as busy that has never
 * sent a byte (load balancers and browsers open some in advance).
 */
function closeServer(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.prependListener("request", (_request, response) =>
      response.once("close", () => server.closeIdleConnections()),
    );
    // Not at once: the first bytes of a connection that was just accepted may be on their way.
    const sweep = setInterval(() => {
      server.closeIdleConnections();
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    }, SWEEP_MS);
    server.close(() => {
      clearInterval(sweep);
      resolve();
    });
  });
}

/** The open connections of a server. */
function trackConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  return connections;
}
