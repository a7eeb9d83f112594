/** What was measured, as tables. */
import { table } from "../table.ts";
import type { BarResult } from "./bars.ts";
import { METRICS, type Metric, type Scenario } from "./scenario.ts";
import { bareOf, ratio, roleOf, type Summary } from "./summary.ts";
import type { Target } from "./target.ts";

const NOTHING = "–";

export function scenarioTable(scenario: Scenario, summary: Summary): string {
  const [main] = scenario.metrics;
  const rows = summary.targets
    .filter(({ role }) => !scenario.without.includes(role))
    .map((target) => [
      target.name,
      ...scenario.metrics.map((metric) => figure(summary.figuresOf(scenario.name, target)[metric], metric)),
      ...[bareOf(summary, target), roleOf(summary, "nginx")].map((other) =>
        main === undefined ? NOTHING : times(scenario, summary, main, target, other),
      ),
    ]);
  const head = [
    scenario.title,
    ...scenario.metrics.map((metric) => METRICS[metric].title),
    "× bare",
    "× nginx",
  ];
  return table([head, ...rows]);
}

export function barTable(results: readonly BarResult[]): string {
  const rows = results.map(({ target, scenario, title, limit, aim, measured, met }) => [
    target,
    scenario,
    title,
    "atLeast" in limit ? `≥ ${limit.atLeast}` : `≤ ${limit.atMost}`,
    aim === undefined ? "" : String(aim),
    measured === undefined ? NOTHING : measured.toFixed(2),
    met === undefined ? "not measured" : met ? "met" : "NOT MET",
  ]);
  return table([["gateway", "scenario", "bar", "wanted", "aim", "measured", ""], ...rows]);
}

const figure = (value: number | undefined, metric: Metric): string =>
  value === undefined ? NOTHING : value.toFixed(METRICS[metric].digits);

/** The scenario's first figure as a multiple of another target's. */
function times(
  { name }: Scenario,
  summary: Summary,
  metric: Metric,
  target: Target,
  other: Target | undefined,
): string {
  if (other === undefined || target.role === "direct") return NOTHING;
  const share = ratio(summary.figuresOf(name, target)[metric], summary.figuresOf(name, other)[metric]);
  return share === undefined ? NOTHING : share.toFixed(2);
}
