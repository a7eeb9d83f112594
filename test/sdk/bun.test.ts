/** The stock SDKs through the gateway on Bun. */
import { startOnBun } from "../support/runtimes.ts";
import { defineSdkTests } from "./suite.ts";

defineSdkTests({ name: "Bun", start: startOnBun });
