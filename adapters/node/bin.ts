#!/usr/bin/env node
/** The `beyond-ai` command on Node. */
import { createProgram } from "../server/cli/program.ts";
import { nodeRuntime } from "./runtime.ts";
import { boundYoungGeneration } from "./young-generation.ts";

boundYoungGeneration();
await createProgram(nodeRuntime, "node").parseAsync();
