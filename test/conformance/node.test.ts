/** The contract on Node. */
import { startOnNode } from "../support/runtimes.ts";
import { defineConformance } from "./suite.ts";

defineConformance({ name: "Node", start: startOnNode });
