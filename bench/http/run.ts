/** Runs the rounds: every target meets every scenario, in fresh processes, and its results are checked. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { AnswerKind } from "./answers.ts";
import { checkRows } from "./check-rows.ts";
import { type Child, START_TIMEOUT_MS, startChild } from "./child.ts";
import { benchFile } from "./project.ts";
import { type Counts, type Figures, plus, type Scenario, type Settings } from "./scenario.ts";
import type { Place, Target } from "./target.ts";

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
  const samples: Sample[] = [];
  for (let round = 1; round <= plan.rounds; round++) {
    for (const target of inTurn(plan.targets, round)) {
      for (const scenarios of visitsTo(target, plan.scenarios)) {
        const visited = await visit(plan, scenarios, target, providerPort);
        for (const one of visited) {
          const { scenario, figures, error } = one;
          plan.report(`round ${round}: ${target.name}: ${scenario}: ${error ?? JSON.stringify(figures)}`);
          samples.push({ ...one, target: target.name, round });
        }
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

/** What is measured of one process after the other. */
function visitsTo({ role }: Target, scenarios: readonly Scenario[]): Scenario[][] {
  const all = scenarios.filter(({ without }) => !without.includes(role));
  const together = all.filter(({ alone }) => !alone);
  const visits = all.filter(({ alone }) => alone).map((scenario) => [scenario]);
  return together.length === 0 ? visits : [together, ...visits];
}

type Visited = Pick<Sample, "scenario" | "figures" | "error">;

/** Nothing is believed of a process whose rows do not hold what its loads saw. */
async function visit(
  plan: Plan,
  scenarios: readonly Scenario[],
  target: Target,
  providerPort: number,
): Promise<Visited[]> {
  const folder = mkdtempSync(join(plan.folder, "target-"));
  try {
    return await measureInTurn(plan, scenarios, target, { providerPort, folder });
  } catch (error) {
    return scenarios.map(({ name }) => ({ scenario: name, figures: {}, error: messageOf(error) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureInTurn(
  settings: Settings,
  scenarios: readonly Scenario[],
  target: Target,
  place: Place,
): Promise<Visited[]> {
  const running = await target.start(place);
  const { rowsFile } = running;
  const expected = new Map<AnswerKind, Counts>();
  const measure = async ({ name, answer, measure }: Scenario): Promise<Visited> => {
    try {
      const { figures, counts } = await measure(running, settings);
      expected.set(answer, plus(expected.get(answer) ?? NONE, counts));
      return { scenario: name, figures };
    } catch (error) {
      // How many rows there should be is not known any more.
      if (rowsFile !== undefined) throw error;
      return { scenario: name, figures: {}, error: messageOf(error) };
    }
  };
  const visited: Visited[] = [];
  try {
    for (const scenario of scenarios) visited.push(await measure(scenario));
  } finally {
    await running.stop();
  }
  if (rowsFile !== undefined) checkRows(rowsFile, expected);
  return visited;
}

const NONE: Counts = { answered: 0, cutOff: 0 };

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
