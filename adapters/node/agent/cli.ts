/** The command line of the agent: `run`, `serve` and `tools`. */
import { Command, CommanderError } from "commander";
import { messageOf } from "../../../src/agent/errors.ts";
import { packageVersion } from "../../server/version.ts";
import { listTools } from "./list-tools.ts";
import { addSharedOptions } from "./options.ts";
import { type RunFlags, runCommand } from "./run.ts";
import { type ServeFlags, serveCommand } from "./serve.ts";
import { UsageError } from "./usage-error.ts";

/** Runs a command line (without the program's name) and gives the exit code: 2 for one that makes no sense. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let code = 0;
  const program = createProgram(env, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (thrown) {
    // commander has told its own errors already.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    process.stderr.write(`error: ${messageOf(thrown)}\n`);
    return thrown instanceof UsageError ? 2 : 1;
  }
}

function createProgram(env: NodeJS.ProcessEnv, setCode: (code: number) => void): Command {
  const program = new Command("beyond-ai-agent")
    .description("A coding agent that reaches every model through the gateway.")
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError("(--help shows what there is)");

  addSharedOptions(
    program.command("run").argument("[task...]", "the task; @file puts a file in, - standard input"),
  )
    .description("do one task and say what was done")
    .option("--session <file>", "keep the conversation in this file, and go on with it if it is there")
    .option("-c, --continue", "go on with the last session of this folder")
    .option("--json", "one event a line on stdout")
    .option("--output-last-message <file>", "write the answer to a file as well")
    .action(async (words: string[], flags: RunFlags) => setCode(await runCommand(words, flags, env)));

  addSharedOptions(program.command("serve"))
    .description("take commands as newline-delimited JSON on stdio")
    .option("--session-file <file>", "the session to begin or go on with")
    .option("--session-dir <folder>", "where sessions are kept")
    .action(async (flags: ServeFlags) => setCode(await serveCommand(flags, env)));

  program
    .command("tools")
    .description("list the tools that the model would be offered here")
    .option("--json", "with their input schemas")
    .action((flags: { json?: boolean }) => {
      process.stdout.write(listTools(flags, env));
    });
  return program;
}
