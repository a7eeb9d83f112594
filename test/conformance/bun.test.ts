/** The contract on Bun. */
import { startOnBun } from "../support/runtimes.ts";
import { defineConformance } from "./suite.ts";

defineConformance({ name: "Bun", start: startOnBun });
