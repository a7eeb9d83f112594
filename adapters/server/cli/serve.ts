/** `beyond-ai serve` as the command line knows it. */
import { Command } from "commander";
import { nearest } from "../../../src/config/nearest.ts";
import { CONFIG_OPTION, type ConfigOption } from "./config-file.ts";
import { configHelp } from "./config-help.ts";
import type { CliContext } from "./conventions.ts";
import { serve } from "./serve-process.ts";

export function serveCommand(context: CliContext): Command {
  return (
    new Command("serve")
      .description("run the gateway (the default command)")
      .option(...CONFIG_OPTION)
      .addHelpText("after", configHelp)
      // As the default command it is also handed what was meant to be another command.
      .allowExcessArguments()
      .action(async (options: ConfigOption, command: Command) => {
        refuseArguments(command);
        await serve(options, context);
      })
  );
}

function refuseArguments(command: Command): void {
  const [given] = command.args;
  if (given === undefined) return;
  const program = command.parent ?? command;
  const names = program.commands.map((one) => one.name());
  // Not repeated unless it looks like a command: it may be a key.
  const what = /^[a-z-]{1,16}$/.test(given) ? ` '${given}'` : "";
  program.error(`error: unknown command${what}; did you mean '${nearest(given, names)}'?`);
}
