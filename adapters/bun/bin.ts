#!/usr/bin/env bun
/** The `beyond-ai` command on Bun. */
import { run } from "../server/cli/run.ts";
import { bunRuntime } from "./runtime.ts";

await run(bunRuntime, "bun");
