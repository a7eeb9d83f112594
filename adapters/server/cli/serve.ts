/** `beyond-ai serve`: rows on stdout, JSON lines on stderr, from the first line to the last. */
import { Command } from "commander";
import { nearest } from "../../../src/config/nearest.ts";
import { createLog } from "../log.ts";
import { startGateway } from "../serve.ts";
import { CONFIG_OPTION, type ConfigOption, readConfig } from "./config-file.ts";
import { configHelp } from "./config-help.ts";
import { type CliContext, isExpected } from "./conventions.ts";
import { withNamedListeners } from "./listeners.ts";
import { stopOnSignals } from "./signals.ts";

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
        try {
          await serve(options, context);
        } catch (error) {
          if (!isExpected(error)) throw error;
          createLog("error")("error", error.message);
          process.exit(1);
        }
      })
  );
}

async function serve(options: ConfigOption, { runtime, runtimeName, version }: CliContext): Promise<void> {
  const { config, warnings, file } = readConfig(options, { runtimeName });
  const log = createLog(config.logLevel);
  for (const warning of warnings) log("warn", warning);
  const gateway = await startGateway({ config, runtime: withNamedListeners(runtime, config), log, version });
  stopOnSignals(async () => {
    try {
      await gateway.drain();
    } catch (error) {
      log("error", "the drain failed", { error: String(error) });
      throw error;
    }
  });
  // Said at any log level: supervisors and tests wait for it.
  const announce = createLog("info");
  // The same file as at the start: one that is gone by then is a mistake, not an empty config.
  process.on("SIGHUP", () => void gateway.reload(() => readConfig({ config: file }, { runtimeName })));
  const where = { url: gateway.url, admin_url: gateway.adminUrl };
  announce("info", "listening", {
    ...where,
    version,
    runtime: runtimeName,
    ...(file !== undefined && { config: file }),
  });
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
