/** An HTTP/1.1 server over a runtime's own sockets, for the gateway alone: from bytes to the relay without the runtime's request objects. */
import type { ListenAddress } from "../../../../src/config/address.ts";
import { clientPatienceMs } from "../../../../src/gateway/client-patience.ts";
import type { GatewayState } from "../../../../src/gateway/state.ts";
import { exchangesEnded } from "../../in-flight.ts";
import type { OpenServer } from "../../runtime.ts";
import type { HttpClient } from "../client/http-client.ts";
import type { ListenForSockets } from "../socket.ts";
import { ClientConnection, type ConnectionOwner } from "./connection.ts";
import { createListener } from "./listener.ts";

/** How often connections are looked through for those that have been silent too long, in milliseconds. */
const SWEEP_MS = 500;
/** How long a closing server waits for the first bytes of a connection that was just accepted, in milliseconds. */
const FRESH_MS = 100;

/** Rejects with the system's own error, as EADDRINUSE. `client` is closed with the server. */
export async function listenHttp1(
  state: GatewayState,
  client: HttpClient,
  address: ListenAddress,
  listenForSockets: ListenForSockets,
): Promise<OpenServer> {
  const { clock } = state;
  const open = new Set<ClientConnection>();
  const allClosed = Promise.withResolvers<void>();
  let isClosing = false;
  const owner: ConnectionOwner = {
    now: () => clock.monotonic(),
    patienceMs: () => clientPatienceMs(state.settings.config),
    onRequest: createListener(state, client),
    onClosed(connection) {
      open.delete(connection);
      if (isClosing && open.size === 0) allClosed.resolve();
    },
    onFault: (error) => state.log("error", "request failed", { error: String(error) }),
    nextRequestId: () => state.nextRequestId(),
    get isClosing() {
      return isClosing;
    },
  };
  const listener = await listenForSockets(address, (socket) => {
    const connection = new ClientConnection(owner, socket);
    open.add(connection);
    return connection;
  });
  const sweep = setInterval(() => {
    const now = clock.monotonic();
    for (const connection of open) connection.expire(now);
  }, SWEEP_MS);
  sweep.unref();
  const stop = (): void => {
    isClosing = true;
    listener.stop();
    if (open.size === 0) allClosed.resolve();
  };
  return {
    port: listener.port,
    async close() {
      stop();
      for (const connection of open) if (connection.isIdle && !connection.isFresh) connection.close();
      const fresh = setTimeout(() => {
        for (const connection of open) if (connection.isFresh) connection.close();
      }, FRESH_MS);
      await allClosed.promise;
      clearTimeout(fresh);
      // A response that is drained after its client left has no client connection any more, only one to its provider.
      await exchangesEnded(state);
      clearInterval(sweep);
      client.close();
    },
    destroy() {
      stop();
      clearInterval(sweep);
      for (const connection of open) connection.cutOff();
      client.close();
    },
  };
}
