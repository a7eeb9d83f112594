/**
 * Runs on Bun: sends a request through its upstream for each line of standard input, one after the other, and prints what
 * became of it. Arguments: the authority, `tls` or `plain`.
 */
import { createInterface } from "node:readline";
import { createBunUpstream } from "../../adapters/bun/http/upstream.ts";
import { UpstreamError } from "../../src/gateway/ports.ts";

const [authority = "", scheme] = process.argv.slice(2);
const upstream = createBunUpstream({ connectTimeoutSecs: 5, idleTimeoutSecs: 5 });

async function outcome(): Promise<string> {
  try {
    const { status, body } = await upstream.send({
      authority,
      tls: scheme === "tls",
      method: "POST",
      path: "/v1/x",
      headers: ["authorization", "Bearer pool-key", "content-length", "2"],
      body: new TextEncoder().encode("{}"),
      signal: new AbortController().signal,
      readTimeoutMs: 5_000,
      onConnectRetry: () => {},
    });
    return `${status} ${await new Response(body).text()}`;
  } catch (error) {
    return error instanceof UpstreamError ? error.code : String(error);
  }
}

for await (const _ of createInterface({ input: process.stdin })) console.log(await outcome());
process.exit();
