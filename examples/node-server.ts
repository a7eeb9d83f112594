/** On Node: @hono/node-server in front, a way upstream that costs a fraction of the global fetch. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import {
  createHttpClient,
  createNativeVerify,
  createUpstream,
  createZlibDecoder,
} from "../adapters/node/index.ts";
import { createGateway, formatRow } from "../src/index.ts";
import { settings } from "./settings.ts";

const client = createHttpClient(() => ({
  connectTimeoutSecs: 10,
  idleTimeoutSecs: 90,
  upstreamHttp2: false,
}));
const gateway = createGateway({
  ...settings,
  upstream: createUpstream(client),
  verify: createNativeVerify(),
  createDecoder: createZlibDecoder,
  onUsage: (row) => console.log(formatRow(row)),
});

const app = new Hono().route("/ai", gateway);

export const server = serve(
  { fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 3000) },
  ({ port }) => console.error(`POST http://127.0.0.1:${port}/ai/v1/chat/completions`),
);
