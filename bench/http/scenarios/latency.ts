/** What a request takes at 200 requests a second, where nothing waits for a CPU. */
import { loadOptions, runLoadProgram } from "../load/load.ts";
import type { Latencies } from "../load/open-loop.ts";
import { plus, type Scenario, SMALL_WARM_UP, warmUp } from "../scenario.ts";

const PER_SECOND = 200;
/** Of however short a run: p99 of fewer requests is the worst of them. */
const MIN_SECS = 2;

export const latency: Scenario = {
  name: "latency",
  title: `${PER_SECOND} requests a second`,
  metrics: ["p50Ms", "p99Ms"],
  answer: "json",
  without: ["tuned nginx", "other"],
  alone: false,
  async measure(target, settings) {
    const warm = await warmUp(target, settings, SMALL_WARM_UP);
    const options = {
      ...loadOptions(target),
      perSecond: PER_SECOND,
      secs: Math.max(MIN_SECS, settings.secs),
    };
    const { answered, p50Ms, p99Ms } = await runLoadProgram<Latencies>("open-loop.ts", options);
    return { figures: { p50Ms, p99Ms }, counts: plus(warm, { answered, cutOff: 0 }) };
  },
};
