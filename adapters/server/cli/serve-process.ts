/** A process that serves: rows on stdout, JSON lines on stderr, from the first line to the last. */
import { createLog } from "../log.ts";
import { type RunningGateway, startGateway } from "../serve.ts";
import { stopOnSignals } from "../signals.ts";
import { type ConfigOption, readConfig } from "./config-file.ts";
import { type CliContext, isExpected } from "./conventions.ts";
import { withNamedListeners } from "./listeners.ts";

/** What a user can mend is told in one line and ends the process. */
export async function serve(options: ConfigOption, context: CliContext): Promise<void> {
  try {
    await start(options, context);
  } catch (error) {
    if (!isExpected(error)) throw error;
    createLog("error")("error", error.message);
    process.exit(1);
  }
}

async function start(options: ConfigOption, { runtime, runtimeName, version }: CliContext): Promise<void> {
  const { config, warnings, file } = readConfig(options, { runtimeName });
  const log = createLog(config.logLevel);
  for (const warning of warnings) log("warn", warning);
  let gateway: RunningGateway | undefined;
  // A start may wait for a deny source, and a signal has its meaning then too.
  stopOnSignals(async () => {
    try {
      await gateway?.drain();
    } catch (error) {
      log("error", "the drain failed", { error: String(error) });
      throw error;
    }
  });
  let isReloadDue = false;
  // The same file as at the start: one that is gone by then is a mistake, not an empty config.
  const reload = (running: RunningGateway): void =>
    void running.reload(() => readConfig({ config: file }, { runtimeName }));
  process.on("SIGHUP", () => {
    if (gateway) reload(gateway);
    else isReloadDue = true;
  });
  gateway = await startGateway({ config, runtime: withNamedListeners(runtime, config), log, version });
  if (isReloadDue) reload(gateway);
  // Said at any log level: supervisors and tests wait for it.
  const announce = createLog("info");
  const where = { url: gateway.url, admin_url: gateway.adminUrl };
  announce("info", "listening", {
    ...where,
    version,
    runtime: runtimeName,
    ...(file !== undefined && { config: file }),
  });
}
