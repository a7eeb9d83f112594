/** `beyond-ai/bun`: the gateway as a process on Bun, and its parts. */

export { type LoadedConfig, loadConfig } from "../../src/config/parse.ts";
export { createServerDenySource, type ServerDenySource } from "../server/deny/index.ts";
export { createLog } from "../server/log.ts";
export type { OpenServer, ServerRuntime } from "../server/runtime.ts";
export { type RunningGateway, type StartOptions, startGateway } from "../server/serve.ts";
export { bunRuntime } from "./runtime.ts";
