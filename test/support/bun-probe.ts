/**
 * Runs on Bun: sends a request through its HTTP client for each line of standard input, one after the other, and prints
 * what became of it. Arguments: the authority, `tls` or `plain`.
 */
import { createInterface } from "node:readline";
import { createHttpClient } from "../../adapters/bun/http/client.ts";
import { UpstreamError } from "../../src/gateway/ports.ts";

const [authority = "", scheme] = process.argv.slice(2);
const client = createHttpClient(() => ({ connectTimeoutSecs: 5, idleTimeoutSecs: 5 }));
const request = {
  authority,
  tls: scheme === "tls",
  method: "POST",
  path: "/v1/x",
  headers: ["authorization", "Bearer pool-key", "content-length", "2"],
  body: new TextEncoder().encode("{}"),
};
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
process.exit();
