/** On Node: @hono/node-server in front, undici as the way upstream, which costs a fraction of the global fetch. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import {
  createNativeVerify,
  createPools,
  createUndiciUpstream,
  createZlibDecoder,
} from "../adapters/node/index.ts";
import { createGateway, formatRow } from "../src/index.ts";
import { settings } from "./settings.ts";

const pools = createPools({
  upstreamTls: settings.upstreamTls ?? true,
  upstreamHttp2: false,
  connectTimeoutSecs: 10,
  readTimeoutSecs: 600,
  idleTimeoutSecs: 90,
});
const gateway = createGateway({
  ...settings,
  upstream: createUndiciUpstream(pools),
  verify: createNativeVerify(),
  createDecoder: createZlibDecoder,
  onUsage: (row) => console.log(formatRow(row)),
});

const app = new Hono().route("/ai", gateway);

export const server = serve(
  { fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 3000) },
  ({ port }) => console.error(`POST http://127.0.0.1:${port}/ai/v1/chat/completions`),
);
