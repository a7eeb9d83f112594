/** A TCP relay that goes deaf, and dumb, once the server has said something. */

import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface DeafRelay {
  readonly port: number;
  close(): void;
}

/** @param last the text after which nothing passes any more; connections stay open */
export async function createDeafRelay(targetPort: number, last: string): Promise<DeafRelay> {
  const sockets = new Set<Socket>();
  let isDeaf = false;
  const relay = createServer((client) => {
    const upstream = connect(targetPort, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.on("data", (chunk) => {
      if (!isDeaf) upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (!isDeaf) client.write(chunk);
      isDeaf ||= chunk.includes(last);
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  return {
    port: (relay.address() as AddressInfo).port, // of a TCP server
    close() {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
