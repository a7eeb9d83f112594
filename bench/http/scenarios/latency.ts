/** What a request takes at 200 requests a second, where nothing waits for a CPU. */
import { SMALL_BODY } from "../load/bodies.ts";
import { loadOptions, runLoadProgram } from "../load/load.ts";
import type { Latencies } from "../load/open-loop.ts";
import { closedLoop, type Scenario, WARM_UP_SECS } from "../scenario.ts";

const PER_SECOND = 200;
const WARM_UP_CONNECTIONS = 32;

export const latency: Scenario = {
  name: "latency",
  title: `${PER_SECOND} requests a second`,
  metrics: ["p50Ms", "p99Ms"],
  answer: "json",
  direct: true,
  async measure(target, settings) {
    const warmUp = await closedLoop(target, settings, {
      body: SMALL_BODY,
      connections: WARM_UP_CONNECTIONS,
      secs: WARM_UP_SECS,
    });
    const options = { ...loadOptions(target), perSecond: PER_SECOND, secs: settings.secs };
    const { answered, p50Ms, p99Ms } = await runLoadProgram<Latencies>("open-loop.ts", options);
    return {
      figures: { p50Ms, p99Ms },
      answered: warmUp.answered + answered,
      cutOff: WARM_UP_CONNECTIONS,
    };
  },
};
