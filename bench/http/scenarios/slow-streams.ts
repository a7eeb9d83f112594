/** 500 streams at 20 ms a chunk: how old an event is when the client has it, and what a stream holds. */

import { STREAM_BODY } from "../load/bodies.ts";
import { loadOptions, runLoadProgram } from "../load/load.ts";
import type { EventAges } from "../load/slow-streams.ts";
import { residentBytes } from "../process-group.ts";
import { plus, type Scenario, warmUp } from "../scenario.ts";

const WARM_UP = { body: STREAM_BODY, connections: 32, atLeast: 300 };
const FEW = 50;
const ALL = 500;
const GAP_MS = 20;
/** What opening them takes, beside the measuring. */
const OPENING_SECS = 2;
/** Of however short a run: a stream of 200 events takes four seconds, longer where it is late, and some must come to their end. */
const MIN_SECS = 3;

export const slowStreams: Scenario = {
  name: "slow-streams",
  title: `${ALL} slow streams`,
  metrics: ["ageP99Ms", "ageP50Ms", "kbPerStream"],
  answer: "stream",
  without: ["tuned nginx", "other"],
  alone: true,
  async measure(target, settings) {
    const secs = Math.max(MIN_SECS, settings.secs);
    const warm = await warmUp(target, settings, WARM_UP);
    const resident: Record<string, number> = {};
    const options = {
      ...loadOptions(target),
      few: FEW,
      all: ALL,
      gapMs: GAP_MS,
      secs: secs + OPENING_SECS,
      measuredSecs: secs,
    };
    const { answered, ageP50Ms, ageP99Ms } = await runLoadProgram<EventAges>(
      "slow-streams.ts",
      options,
      (phase) => {
        resident[phase] = residentBytes(target.processes);
      },
    );
    const grown = (resident.all ?? Number.NaN) - (resident.few ?? Number.NaN);
    const isProxy = target.processes.group !== 0;
    return {
      figures: { ageP99Ms, ageP50Ms, ...(isProxy && { kbPerStream: grown / 1000 / (ALL - FEW) }) },
      counts: plus(warm, { answered, cutOff: ALL }),
    };
  },
};
