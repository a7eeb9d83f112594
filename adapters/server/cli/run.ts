/** The `beyond-ai` command: a plain `serve` starts at once, the rest goes through the command line's library. */
import type { ServerRuntime } from "../runtime.ts";
import { packageVersion } from "../version.ts";
import type { ConfigOption } from "./config-file.ts";
import type { CliContext } from "./conventions.ts";
import { serve } from "./serve-process.ts";

/** Serves, or sets the exit code of this process. */
export async function run(runtime: ServerRuntime, runtimeName: CliContext["runtimeName"]): Promise<void> {
  const options = plainServe(process.argv.slice(2));
  if (options) return serve(options, { runtime, runtimeName, version: packageVersion() });
  const { createProgram } = await import("./program.ts");
  await createProgram(runtime, runtimeName).parseAsync();
}

/**
 * `serve`, which may be left out, and `--config FILE`, as supervisors start it: loading all commands and their library
 * takes as long as loading the gateway. Undefined: something else, or something that needs explaining.
 *
 * @internal exported for tests
 */
export function plainServe(args: readonly string[]): ConfigOption | undefined {
  const [option, file, ...more] = args[0] === "serve" ? args.slice(1) : args;
  if (option === undefined) return {};
  const isPlain = option === "--config" && file !== undefined && !file.startsWith("-") && more.length === 0;
  return isPlain ? { config: file } : undefined;
}
