/** The portable relay on Node, as an embedder runs it: @hono/node-server, with the servers' own way upstream. A `beyond-ai` command for tests. */
import { createHttpClient } from "../../adapters/node/client.ts";
import { nodeRuntime } from "../../adapters/node/runtime.ts";
import { createProgram } from "../../adapters/server/cli/program.ts";
import { createUpstream } from "../../adapters/server/http/client/upstream.ts";
import type { ServerRuntime } from "../../adapters/server/runtime.ts";
import { createApp } from "../../src/gateway/create-gateway.ts";

const portableRuntime: ServerRuntime = {
  ...nodeRuntime,
  listen(state, address) {
    const upstream = createUpstream(createHttpClient(() => state.settings.config));
    return nodeRuntime.listenApp(createApp(state, { upstream }), address);
  },
};

await createProgram(portableRuntime, "node").parseAsync();
