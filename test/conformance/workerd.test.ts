/** The contract on Workers, under local workerd. */
import { startOnWorkers } from "../support/runtimes.ts";
import { defineConformance } from "./suite.ts";

defineConformance({ name: "Workers", start: startOnWorkers });
