/** From samples to medians. */

import type { Sample } from "./run.ts";
import type { Figures, Metric } from "./scenario.ts";
import { median } from "./statistics.ts";
import type { Target } from "./target.ts";

export interface Summary {
  /** Medians over the rounds; without those that no round gave. */
  figuresOf(scenario: string, target: Target | undefined): Figures;
  readonly targets: readonly Target[];
}

export function summarize(samples: readonly Sample[], targets: readonly Target[]): Summary {
  const byCell = Map.groupBy(samples, ({ scenario, target }) => cell(scenario, target));
  const medians = new Map(
    [...byCell].map(([key, group]) => [key, mediansOf(group.map(({ figures }) => figures))]),
  );
  return {
    targets,
    figuresOf: (scenario, target) => medians.get(cell(scenario, target?.name ?? "")) ?? {},
  };
}

const cell = (scenario: string, target: string): string => `${scenario}\n${target}`;

function mediansOf(rounds: readonly Figures[]): Figures {
  const metrics = new Set(rounds.flatMap((figures) => Object.keys(figures) as Metric[]));
  return Object.fromEntries(
    [...metrics].map((metric) => [metric, median(rounds.flatMap((figures) => figures[metric] ?? []))]),
  );
}

/** `undefined` where either is missing, or the second is nothing to divide by. */
export function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b <= 0 ? undefined : a / b;
}

/** The bare proxy on the same runtime. */
export const bareOf = ({ targets }: Summary, { runtime }: Target): Target | undefined =>
  targets.find((target) => target.role === "bare" && target.runtime === runtime);

/** The first of this role, of those whose name holds `text`. */
export const roleOf = ({ targets }: Summary, role: Target["role"], text = ""): Target | undefined =>
  targets.find((target) => target.role === role && target.name.includes(text));
