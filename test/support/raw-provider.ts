/** A provider that says what no HTTP server would. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface RawProvider {
  readonly authority: string;
  /** Connections with it. */
  close(): void;
}

/** Listens on an ephemeral loopback port. `onConnection` has each connection to itself. */
export async function startRawProvider(onConnection: (socket: Socket) => void): Promise<RawProvider> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server, so never a pipe's string
  return {
    authority: `127.0.0.1:${port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
