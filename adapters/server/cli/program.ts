/** The `beyond-ai` command line: one program for every server runtime, one file for each command. */
import { Command } from "commander";
import { denyCommand } from "../deny/cli.ts";
import type { ServerRuntime } from "../runtime.ts";
import { packageVersion } from "../version.ts";
import { readConfig } from "./config-file.ts";
import { applyConventions, type CliContext } from "./conventions.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { inspectCommand } from "./inspect.ts";
import { keygenCommand } from "./keygen.ts";
import { mintCommand } from "./mint.ts";
import { serveCommand } from "./serve.ts";

const EXAMPLES = `
Examples:
  $ beyond-ai dev                                   try it: no config, no network
  $ beyond-ai keygen                                make a signing key
  $ AI_MINT_SECRET_KEY=… beyond-ai mint --tenant 42 --vpc 1 --kid 1
  $ beyond-ai doctor --config config.toml           before you serve
  $ beyond-ai serve --config config.toml            rows on stdout, diagnostics on stderr
  $ beyond-ai deny add --tenant 42 --reason spend   stop a tenant
`;

/** `parseAsync()` on what it returns runs the command line of this process, which then sets its exit code or serves. */
export function createProgram(runtime: ServerRuntime, runtimeName: CliContext["runtimeName"]): Command {
  const context: CliContext = { runtime, runtimeName, version: packageVersion() };
  const program = new Command("beyond-ai")
    .description("LLM gateway: virtual keys, byte-exact streaming, one true usage row for each request")
    .version(context.version)
    .addHelpText("after", EXAMPLES)
    .addCommand(serveCommand(context), { isDefault: true })
    .addCommand(devCommand(context))
    .addCommand(doctorCommand(context))
    .addCommand(keygenCommand())
    .addCommand(mintCommand())
    .addCommand(inspectCommand(context))
    .addCommand(denyCommand({ loadConfig: (file) => readConfig({ config: file }, context).config }));
  return applyConventions(program);
}
