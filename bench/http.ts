/** `npm run bench:http`: the gateway end to end beside bare proxies, nginx and Portkey, in one run on one machine. */
import { writeFileSync } from "node:fs";
import { holdAgainstBars } from "./http/bars.ts";
import { openHarnessFolder } from "./http/harness-folder.ts";
import { describeMachine, machineLine } from "./http/machine.ts";
import { type Options, readOptions, USAGE } from "./http/options.ts";
import { findProgram } from "./http/project.ts";
import { barTable, scenarioTable } from "./http/report.ts";
import { runRounds } from "./http/run.ts";
import { summarize } from "./http/summary.ts";
import { findTargets } from "./http/targets.ts";

const folder = openHarnessFolder();

const progress = (line: string): void => console.error(line);

async function bench(options: Options): Promise<void> {
  const { targets, skipped } = findTargets(options);
  for (const line of skipped) progress(line);
  const wrk = options.useWrk ? findProgram("wrk") : undefined;
  const machine = describeMachine(wrk);
  const samples = await runRounds({ ...options, targets, wrk, folder, report: progress });
  const summary = summarize(samples, targets);
  const bars = holdAgainstBars(
    summary,
    options.scenarios.map(({ name }) => name),
  );
  const errors = samples.filter(({ error }) => error !== undefined);

  const { rounds, secs, built } = options;
  const code = built ? "the gateway as built" : "the gateway from its sources";
  console.log(`${machineLine(machine)}; ${rounds} rounds of ${secs} s, ${code}\n`);
  for (const scenario of options.scenarios) console.log(`${scenarioTable(scenario, summary)}\n`);
  if (bars.length > 0) console.log(barTable(bars));
  for (const { round, scenario, target, error } of errors) {
    console.log(`\nNot measured: ${scenario}, ${target}, round ${round}: ${error}`);
  }
  if (options.jsonFile !== undefined) {
    writeFileSync(
      options.jsonFile,
      `${JSON.stringify({ machine, rounds, secs, built, skipped, bars, samples }, null, 1)}\n`,
    );
  }
  if (errors.length > 0) process.exitCode = 1;
}

function readOptionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    progress(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = readOptionsOrExit();
if (options.help) console.log(USAGE);
else await bench(options);
