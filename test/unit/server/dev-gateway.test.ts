/** Where the gateway of `dev` listens. */
import { expect, it } from "vitest";
import { startDevGateway } from "../../../adapters/server/cli/dev-gateway.ts";
import type { OpenServer, ServerRuntime } from "../../../adapters/server/runtime.ts";

it("leaves the port that was asked for to the gateway, though it is the one that the live page prefers", async () => {
  const asked: string[] = [];
  const opened = async (what: string, port: number): Promise<OpenServer> => {
    asked.push(`${what} ${port}`);
    return { port: port || 1, close: async () => {}, destroy() {} };
  };
  const runtime: ServerRuntime = {
    listen: (_, { port }) => opened("gateway", port),
    listenApp: (_, { port }) => opened("app", port),
  };
  const dev = await startDevGateway({ runtime, version: "1", port: 9090, log: () => {}, onUsage: () => {} });
  dev.destroy();
  expect(asked).toContain("gateway 9090");
  expect(asked).not.toContain("app 9090");
});
