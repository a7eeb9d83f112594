/** How each runtime's gateway is started, for the suites that run on all of them. */
import { type StartGateway, startGatewayProcess } from "./gateway-process.ts";

/** As `npm start` does, on the Node that runs the tests. */
export const startOnNode: StartGateway = (setup) =>
  startGatewayProcess([process.execPath, "adapters/node/bin.ts", "serve"], setup);

/** As `npm run start:bun` does. */
export const startOnBun: StartGateway = (setup) =>
  startGatewayProcess(["node_modules/.bin/bun", "adapters/bun/bin.ts", "serve"], setup);

/** As `npm run start:workers` does: the built worker under local workerd. */
export const startOnWorkers: StartGateway = (setup) =>
  startGatewayProcess([process.execPath, "adapters/workers/local/serve.ts"], setup);

/** The portable relay on Node: what an embedder gets there. */
export const startPortableOnNode: StartGateway = (setup) =>
  startGatewayProcess([process.execPath, "test/support/portable-node.ts", "serve"], setup);
