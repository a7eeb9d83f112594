/** Runs the rounds: every scenario against every target, a fresh process each time, results checked. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkRows } from "./check-rows.ts";
import { type Child, START_TIMEOUT_MS, startChild } from "./child.ts";
import { benchFile } from "./project.ts";
import type { Figures, Scenario, Settings } from "./scenario.ts";
import type { Target } from "./target.ts";

export interface Plan extends Settings {
  readonly rounds: number;
  readonly scenarios: readonly Scenario[];
  readonly targets: readonly Target[];
  /** Told of each measurement as it is done. */
  readonly report: (line: string) => void;
}

/** One target under one scenario, in one round. */
export interface Sample {
  readonly scenario: string;
  readonly target: string;
  readonly round: number;
  readonly figures: Figures;
  /** Why there are no figures. */
  readonly error?: string;
}

export async function runRounds(plan: Plan): Promise<Sample[]> {
  const provider = startChild({ command: [process.execPath, benchFile("provider.ts")], lines: "stdout" });
  try {
    return await measureAll(plan, await portOf(provider));
  } finally {
    await provider.stop();
  }
}

const portOf = (provider: Child): Promise<number> =>
  provider.line((line) => Number(line) || undefined, START_TIMEOUT_MS);

async function measureAll(plan: Plan, providerPort: number): Promise<Sample[]> {
  const { rounds, scenarios, targets, report } = plan;
  const samples: Sample[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const scenario of scenarios) {
      for (const target of inTurn(targets, round)) {
        if (target.role === "direct" && !scenario.direct) continue;
        const sample = await measureOnce(plan, scenario, target, providerPort);
        samples.push({ ...sample, scenario: scenario.name, target: target.name, round });
        report(
          `round ${round}: ${scenario.title}, ${target.name}: ${sample.error ?? JSON.stringify(sample.figures)}`,
        );
      }
    }
  }
  return samples;
}

/** Each round begins with another one, so that no target always runs behind the same. */
const inTurn = (targets: readonly Target[], round: number): Target[] => {
  const from = round % targets.length;
  return [...targets.slice(from), ...targets.slice(0, from)];
};

async function measureOnce(
  settings: Settings,
  scenario: Scenario,
  target: Target,
  providerPort: number,
): Promise<Pick<Sample, "figures" | "error">> {
  const folder = mkdtempSync(join(settings.folder, "target-"));
  try {
    const running = await target.start({ providerPort, folder });
    const measured = await scenario.measure(running, settings).finally(running.stop);
    if (running.rowsFile !== undefined) checkRows(running.rowsFile, scenario.answer, measured.counts);
    return { figures: measured.figures };
  } catch (error) {
    return { figures: {}, error: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
