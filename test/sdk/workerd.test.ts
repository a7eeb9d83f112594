/** The stock SDKs through the gateway on Workers. */
import { startOnWorkers } from "../support/runtimes.ts";
import { defineSdkTests } from "./suite.ts";

defineSdkTests({ name: "Workers", start: startOnWorkers });
