/** For programs that cannot say which port they were given. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { START_TIMEOUT_MS } from "./child.ts";

const POLL_MS = 2;

/** Another process could take it before it is used; then the start fails and says so. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Resolves with the origin once something accepts connections there. */
export async function untilListening(port: number): Promise<string> {
  const end = performance.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (performance.now() > end) throw new Error(`nothing listens on port ${port}`);
    await delay(POLL_MS);
  }
  return `http://127.0.0.1:${port}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
