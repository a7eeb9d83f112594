#!/usr/bin/env node
/** Entry of `beyond-ai-agent`. */
import { main } from "./cli.ts";

// With nobody left to read stderr (a closed pipe or terminal) the run goes on, or ends in order on its signal: without a
// listener the failed write would end the process in the middle of a turn, and leave its commands running.
process.stderr.on("error", () => undefined);
const code = await main(process.argv.slice(2), process.env);
// Pooled connections would keep the process alive; everything that was written has been flushed.
process.exit(code);
