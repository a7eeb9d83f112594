/** The portable relay on Node, as an embedder runs it: @hono/node-server, with undici as the way upstream. A `beyond-ai` command for tests. */
import { nodeRuntime } from "../../adapters/node/runtime.ts";
import { createPools, createUndiciUpstream } from "../../adapters/node/upstream.ts";
import { createProgram } from "../../adapters/server/cli/program.ts";
import type { ServerRuntime } from "../../adapters/server/runtime.ts";
import { createApp } from "../../src/gateway/create-gateway.ts";

const portableRuntime: ServerRuntime = {
  ...nodeRuntime,
  listen(state, address) {
    const upstream = createUndiciUpstream(createPools(state.settings.config));
    return nodeRuntime.listenApp(createApp(state, { upstream }), address);
  },
};

await createProgram(portableRuntime, "node").parseAsync();
