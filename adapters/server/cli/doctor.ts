/** `beyond-ai doctor`: what would go wrong, before it does. */
import { Command } from "commander";
import { type Check, checkKeyring, checkPoolKeys, checkProviderNames, checkWorkers } from "./checks.ts";
import { CONFIG_OPTION, type ConfigOption, type FoundConfig, readConfig } from "./config-file.ts";
import { type CliContext, isExpected } from "./conventions.ts";
import { checkDenySource } from "./deny-checks.ts";
import { paint } from "./paint.ts";

interface Diagnosis {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly warnings: readonly string[];
}

export function doctorCommand(context: CliContext): Command {
  return new Command("doctor")
    .description("check config, keyring, pool keys, deny source and DNS; exits 0 or 1")
    .option(...CONFIG_OPTION)
    .option("--json", "print {ok,checks:[{name,ok,detail,hint}],warnings}")
    .action(async (options: ConfigOption & { readonly json?: boolean }) => {
      const diagnosis = await diagnose(options, context);
      const text = options.json ? `${JSON.stringify(diagnosis)}\n` : describe(diagnosis);
      // Ends here: a name that is still being looked up would hold the process.
      process.stdout.write(text, () => process.exit(diagnosis.ok ? 0 : 1));
    });
}

async function diagnose(options: ConfigOption, context: CliContext): Promise<Diagnosis> {
  const found = tryConfig(options, context);
  if ("failed" in found) return { ok: false, checks: [found.failed], warnings: [] };
  const { config, warnings, file } = found;
  const read: Check = { name: "config", ok: true, detail: file ?? "no file: defaults and AI_* variables" };
  const [deny, dns] = await Promise.all([checkDenySource(config), checkProviderNames(config)]);
  const workers = context.runtime.openWorkers ? checkWorkers(config) : [];
  const checks = [read, checkKeyring(config), checkPoolKeys(config), ...workers, ...deny, ...dns];
  return { ok: checks.every(({ ok }) => ok), checks, warnings };
}

function tryConfig(options: ConfigOption, context: CliContext): FoundConfig | { readonly failed: Check } {
  try {
    return readConfig(options, context);
  } catch (error) {
    if (!isExpected(error)) throw error;
    const hint = "mend this first: the other checks need a config that can be read";
    return { failed: { name: "config", ok: false, detail: error.message, hint } };
  }
}

function describe({ ok, checks, warnings }: Diagnosis): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap((check) => [
    `${check.ok ? paint("green", "✓") : paint("red", "✗")} ${check.name.padEnd(width)}  ${check.detail}`,
    ...(check.hint === undefined ? [] : [`  ${"".padEnd(width)}  → ${check.hint}`]),
  ]);
  for (const warning of warnings) lines.push(`${paint("yellow", "!")} ${warning}`);
  const failed = checks.filter((check) => !check.ok).length;
  return `${lines.join("\n")}\n\n${ok ? "All is well." : `${failed} of ${checks.length} checks failed.`}\n`;
}
