/** How each runtime's gateway is started, for the suites that run on all of them. */
import { type StartGateway, startGatewayProcess } from "./gateway-process.ts";

/** As `npm start` does, on the Node that runs the tests. */
export const startOnNode: StartGateway = (setup) =>
  startGatewayProcess([process.execPath, "adapters/node/bin.ts", "serve"], setup);

/** Bun, from the project's own dependencies. */
export const startOnBun: StartGateway = (setup) =>
  startGatewayProcess(["node_modules/.bin/bun", "adapters/bun/bin.ts", "serve"], setup);
