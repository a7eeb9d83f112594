#!/usr/bin/env bun
/** The `beyond-ai` command on Bun. */
import { createProgram } from "../server/cli/program.ts";
import { bunRuntime } from "./runtime.ts";

await createProgram(bunRuntime, "bun").parseAsync();
