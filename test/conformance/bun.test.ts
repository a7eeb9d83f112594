/** The contract on Bun. */
import { startOnBun } from "../support/runtimes.ts";
import { BUN_GAPS } from "./gaps.ts";
import { defineConformance } from "./suite.ts";

defineConformance({ name: "Bun", start: startOnBun, gaps: BUN_GAPS });
