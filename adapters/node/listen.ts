import type { Server } from "node:net";
import type { ListenAddress } from "../../src/config/address.ts";

/** Resolves with the port; rejects with the system's own error, as EADDRINUSE. */
export function listen(server: Server, { host, port }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}
