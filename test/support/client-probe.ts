/**
 * Runs on Node and on Bun: sends a request through the servers' HTTP client for each line of standard input, one after the
 * other, and prints what became of it. Arguments: the authority, `tls` or `plain`, and the bytes of a head without a body, if
 * it is to be a large one.
 */
import { createInterface } from "node:readline";
import { createHttp1Client } from "../../adapters/server/http/client/http1-client.ts";
import type { OpenSocket } from "../../adapters/server/http/socket.ts";
import { UpstreamError } from "../../src/gateway/ports.ts";

const adapter = process.versions.bun ? "bun" : "node";
const { openSocket }: { openSocket: OpenSocket } = await import(`../../adapters/${adapter}/sockets.ts`);
const [authority = "", scheme, headBytes] = process.argv.slice(2);
const client = createHttp1Client(openSocket, () => ({ connectTimeoutSecs: 5, idleTimeoutSecs: 5 }));
const provider = { authority, tls: scheme === "tls", path: "/v1/x" };
const request =
  headBytes === undefined
    ? {
        ...provider,
        method: "POST",
        headers: ["authorization", "Bearer pool-key", "content-length", "2"],
        body: new TextEncoder().encode("{}"),
      }
    : { ...provider, method: "GET", headers: ["x-large", "x".repeat(Number(headBytes))], body: undefined };
const ignore = () => {};

function outcome(): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    client.call(request, {
      onConnectRetry: ignore,
      onStart: ignore,
      onDrain: ignore,
      onSent: ignore,
      onRead: ignore,
      onHead: ({ status }) => {
        text = `${status} `;
      },
      onData: (bytes) => {
        text += Buffer.from(bytes);
      },
      onEnd: () => resolve(text),
      onFailed: (error) => resolve(error instanceof UpstreamError ? error.code : String(error)),
    });
  });
}

for await (const _ of createInterface({ input: process.stdin })) console.log(await outcome());
// A connection that is kept must not keep the process.
