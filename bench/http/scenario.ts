/** What a scenario is: a load, and the figures that it leaves. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AnswerKind } from "./answers.ts";
import { askOnce } from "./load/ask-once.ts";
import { SMALL_BODY } from "./load/bodies.ts";
import { loadOptions, runLoadProgram } from "./load/load.ts";
import { runWrk } from "./load/wrk.ts";
import type { Role, RunningTarget } from "./target.ts";

/** Everything that is measured, with its unit. */
export const METRICS = {
  cpuPer1000: { title: "CPU s per 1,000", digits: 3 },
  perSecond: { title: "per second", digits: 0 },
  mbPerSecond: { title: "MB/s", digits: 0 },
  grownMb: { title: "memory grown, MB", digits: 1 },
  p50Ms: { title: "p50, ms", digits: 2 },
  p99Ms: { title: "p99, ms", digits: 2 },
  ageP50Ms: { title: "p50 age, ms", digits: 2 },
  ageP99Ms: { title: "p99 age, ms", digits: 2 },
  kbPerStream: { title: "KB a stream", digits: 1 },
  coldStartMs: { title: "ms to the first 200", digits: 0 },
} as const;

export type Metric = keyof typeof METRICS;
export type Figures = Readonly<Partial<Record<Metric, number>>>;

/** What a gateway's rows are held against. */
export interface Counts {
  /** Answers that the load got whole. */
  readonly answered: number;
  /** At most so many requests were under way when the load went away. */
  readonly cutOff: number;
}

export interface Measured {
  readonly figures: Figures;
  /** The warm-up's included. */
  readonly counts: Counts;
}

export interface Settings {
  /** How long each load lasts. */
  readonly secs: number;
  /** Path of wrk; the built-in load without it. */
  readonly wrk: string | undefined;
  /** Exists as long as the harness. */
  readonly folder: string;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** The first one is what the ratios are of. */
  readonly metrics: readonly Metric[];
  readonly answer: AnswerKind;
  /** Who is not measured. */
  readonly without: readonly Role[];
  /** Needs a process that has done nothing else: memory that it has is memory that it does not take. */
  readonly alone: boolean;
  measure(target: RunningTarget, settings: Settings): Promise<Measured>;
}

export interface ClosedLoad {
  readonly body: Buffer;
  readonly connections: number;
  readonly secs: number;
}

/** As many requests as the connections carry. */
export async function closedLoop(
  target: RunningTarget,
  { wrk, folder }: Settings,
  { body, connections, secs }: ClosedLoad,
): Promise<Counts> {
  const own = mkdtempSync(join(folder, "load-"));
  const bodyFile = join(own, "body.json");
  writeFileSync(bodyFile, body);
  const options = { ...loadOptions(target), bodyFile, connections, secs };
  const load = wrk === undefined ? runLoadProgram("closed-loop.ts", options) : runWrk(wrk, own, options);
  const { answered } = await load;
  return { answered, cutOff: connections };
}

const WARM_UP_SECS = 1;
const WARM_UP_MAX_SECS = 10;

/**
 * Loads until at least so many were answered, for a JIT counts calls and not seconds; gives up on a target too slow for that.
 */
export async function warmUp(
  target: RunningTarget,
  settings: Settings,
  { atLeast, ...load }: Omit<ClosedLoad, "secs"> & { readonly atLeast: number },
): Promise<Counts> {
  await askOnce(target, load.body);
  let counts: Counts = { answered: 1, cutOff: 0 };
  for (let secs = 0; secs < WARM_UP_MAX_SECS && counts.answered < atLeast; secs += WARM_UP_SECS) {
    counts = plus(counts, await closedLoop(target, settings, { ...load, secs: WARM_UP_SECS }));
  }
  return counts;
}

/** The warm-up of scenarios that do not load by themselves. */
export const SMALL_WARM_UP = { body: SMALL_BODY, connections: 32, atLeast: 3000 };

export const plus = (a: Counts, b: Counts): Counts => ({
  answered: a.answered + b.answered,
  cutOff: a.cutOff + b.cutOff,
});
