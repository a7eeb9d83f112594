/** The contract on Node with two workers: what holds of one process holds of several. */
import { startOnNode } from "../support/runtimes.ts";
import { NODE_WORKERS_GAPS } from "./gaps.ts";
import { defineConformance } from "./suite.ts";

defineConformance({
  name: "Node, two workers",
  start: ({ config, ...setup }) => startOnNode({ ...setup, config: { ...config, workers: 2 } }),
  gaps: NODE_WORKERS_GAPS,
});
