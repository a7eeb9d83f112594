/** Bun's listeners: our own server on its sockets for the gateway, Bun.serve for everything else. */
import type { ListenAddress } from "../../src/config/address.ts";
import { createHttp1Client } from "../server/http/client/http1-client.ts";
import { listenHttp1 } from "../server/http/server/http1-server.ts";
import type { OpenServer, ServerRuntime } from "../server/runtime.ts";
import { listenForSockets, openSocket } from "./sockets.ts";

interface BunServer {
  readonly port?: number;
  stop(closeActiveConnections?: boolean): Promise<void>;
  requestIP(request: Request): { readonly address: string } | null;
  /** Seconds that this request may be silent; 0 for ever. */
  timeout(request: Request, seconds: number): void;
}

type Answer = (request: Request, server: BunServer) => Response | Promise<Response>;

/** What is used of Bun's global. */
declare const Bun: {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    readonly idleTimeout: number;
    readonly maxRequestBodySize: number;
    readonly fetch: Answer;
  }): BunServer;
};

/** For a request's head, and for a connection between two requests. */
const IDLE_SECS = 60;

/** The admin listener has no use for a body; the embedded provider of `dev` reads prompts. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export const bunRuntime: ServerRuntime = {
  listen: (state, address) =>
    listenHttp1(
      state,
      createHttp1Client(openSocket, () => state.settings.config),
      address,
      listenForSockets,
    ),
  listenApp: async (app, address) =>
    serve(address, (request, server) =>
      app.fetch(request, { remoteAddress: server.requestIP(request)?.address }),
    ),
};

function serve({ host, port }: ListenAddress, fetch: Answer): OpenServer {
  const server = Bun.serve({
    hostname: host,
    port,
    idleTimeout: IDLE_SECS,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetch(request, server) {
      // The live page's feed stays open, whether there is something to tell or not.
      server.timeout(request, 0);
      return fetch(request, server);
    },
  });
  return {
    port: server.port ?? port,
    close: () => server.stop(),
    destroy: () => void server.stop(true),
  };
}
