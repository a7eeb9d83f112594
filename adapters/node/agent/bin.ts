#!/usr/bin/env node
/** Entry of `beyond-ai-agent`. */
import { main } from "./cli.ts";

const code = await main(process.argv.slice(2), process.env);
// Pooled connections would keep the process alive; everything that was written has been flushed.
process.exit(code);
