/** The contract on Workers, under local workerd. */
import { startOnWorkers } from "../support/runtimes.ts";
import { WORKERS_GAPS } from "./gaps.ts";
import { defineConformance } from "./suite.ts";

defineConformance({ name: "Workers", start: startOnWorkers, gaps: WORKERS_GAPS });
