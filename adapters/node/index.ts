/**
 * `beyond-ai/node`: what Node adds to the portable core.
 *
 * Embedded in an app of yours, over Node's own transport and crypto:
 *
 *     const client = createHttpClient(() => ({ connectTimeoutSecs: 10, idleTimeoutSecs: 90, upstreamHttp2: false }));
 *     const gateway = createGateway({
 *       upstream: createUpstream(client),
 *       verify: createNativeVerify(),
 *       createDecoder: createZlibDecoder,
 *       …
 *     });
 *
 * Or as a server of its own, as `beyond-ai serve` runs it:
 *
 *     const { config } = loadConfig({ toml, env: process.env, runtime: "node" });
 *     const running = await startGateway({ config, runtime: nodeRuntime, log: createLog("info"), version: "1" });
 *     await running.drain();
 */

export { loadConfig } from "../../src/config/parse.ts";
export { redacted } from "../../src/config/redact.ts";
export { createZlibDecoder } from "../server/decoders.ts";
export {
  createServerDenySource,
  type ServerDenyOptions,
  type ServerDenySource,
} from "../server/deny/index.ts";
export type { HttpClient } from "../server/http/client/http-client.ts";
export { createUpstream } from "../server/http/client/upstream.ts";
export type { LogLevel } from "../server/json-log.ts";
export { createLog } from "../server/log.ts";
export { createRowSink, type RowSink, type RowSinkOptions } from "../server/row-sink.ts";
export type { OpenServer, ServerRuntime } from "../server/runtime.ts";
export { type RunningGateway, type StartOptions, startGateway } from "../server/serve.ts";
export { createNativeVerify } from "../server/verify.ts";
export { createHttpClient, type HttpClientConfig } from "./client.ts";
export { nodeRuntime } from "./runtime.ts";
