/** An address that refuses connections. */
import { createServer } from "node:net";

/** `127.0.0.1:port` where nobody listens: a port that was ours a moment ago. */
export async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return `127.0.0.1:${address.port}`;
}
