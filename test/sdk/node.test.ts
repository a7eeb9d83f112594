/** The stock SDKs through the gateway on Node. */
import { startOnNode } from "../support/runtimes.ts";
import { defineSdkTests } from "./suite.ts";

defineSdkTests({ name: "Node", start: startOnNode });
