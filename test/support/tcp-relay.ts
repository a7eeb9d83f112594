/** A TCP relay in front of a server, for tests to cut or freeze one client's way to it while others keep theirs. */

import { connect, createServer, type Socket } from "node:net";

export interface TcpRelay {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Takes connections again. */
  restore(): void;
  /** Keeps connections open and lets nothing through any more, on those and on new ones. */
  freeze(): void;
  /** Freezes once the server has said this. */
  freezeAfter(text: string): void;
  /** Connections taken, and connections refused, so far. */
  accepted(): number;
  refused(): number;
  close(): Promise<void>;
}

/** Listens on a port of its own. */
export async function createTcpRelay(targetPort: number): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let state: "open" | "cut" | "frozen" = "open";
  let lastWords: string | undefined;
  let accepted = 0;
  let refused = 0;
  const server = createServer((client) => {
    if (state === "cut") {
      refused++;
      client.resetAndDestroy();
      return;
    }
    accepted++;
    const upstream = connect(targetPort, "127.0.0.1");
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("data", (chunk) => {
        if (state === "open") other.write(chunk);
        if (socket === upstream && lastWords !== undefined && chunk.includes(lastWords)) state = "frozen";
      });
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    cut() {
      state = "cut";
      breakAll();
    },
    restore() {
      state = "open";
    },
    freeze() {
      state = "frozen";
    },
    freezeAfter(text) {
      lastWords = text;
    },
    accepted: () => accepted,
    refused: () => refused,
    close() {
      breakAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
