#!/usr/bin/env node
/** The `beyond-ai` command on Node. */
import { run } from "../server/cli/run.ts";
import { nodeRuntime } from "./runtime.ts";
import { boundYoungGeneration } from "./young-generation.ts";

boundYoungGeneration();
await run(nodeRuntime, "node");
