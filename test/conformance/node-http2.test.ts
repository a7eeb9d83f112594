/** The contract on Node with `upstream_http2`, over undici: towards a provider that does not agree to HTTP/2 (test/holds/tls.test.ts has one that does). */
import { startOnNode } from "../support/runtimes.ts";
import { defineConformance } from "./suite.ts";

defineConformance({
  name: "Node, HTTP/2 offered",
  start: (setup) => startOnNode({ ...setup, config: { ...setup.config, upstream_http2: true } }),
});
