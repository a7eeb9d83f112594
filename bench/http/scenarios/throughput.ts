/** As much as goes through: CPU for 1,000 requests, and requests a second. */
import type { AnswerKind } from "../answers.ts";
import { PROMPT_BODY, SMALL_BODY, STREAM_BODY } from "../load/bodies.ts";
import { cpuSeconds } from "../process-group.ts";
import { closedLoop, plus, type Scenario, warmUp } from "../scenario.ts";

interface Throughput {
  readonly name: string;
  readonly title: string;
  readonly answer: AnswerKind;
  readonly body: Buffer;
  readonly connections: number;
  /** Requests of the warm-up, at least, if it comes to as many: JavaScriptCore's last tier takes a function up after 100,000 calls. */
  readonly warmUpBy: number;
}

export const json = throughput({
  name: "json",
  title: "small JSON",
  answer: "json",
  body: SMALL_BODY,
  connections: 32,
  warmUpBy: 100_000,
});

export const streams = throughput({
  name: "streams",
  title: "200-event streams",
  answer: "stream",
  body: STREAM_BODY,
  connections: 32,
  warmUpBy: 3000,
});

export const prompts = throughput({
  name: "prompts",
  title: "100 KB prompts",
  answer: "json",
  body: PROMPT_BODY,
  connections: 16,
  warmUpBy: 100_000,
});

function throughput({ name, title, answer, body, connections, warmUpBy }: Throughput): Scenario {
  return {
    name,
    title,
    metrics: ["cpuPer1000", "perSecond"],
    answer,
    without: ["direct"],
    alone: false,
    async measure(target, settings) {
      const { secs } = settings;
      const warm = await warmUp(target, settings, { body, connections, atLeast: warmUpBy });
      const cpuBefore = cpuSeconds(target.processes);
      const counts = await closedLoop(target, settings, { body, connections, secs });
      const cpu = cpuSeconds(target.processes) - cpuBefore;
      return {
        figures: { cpuPer1000: (cpu * 1000) / counts.answered, perSecond: counts.answered / secs },
        counts: plus(warm, counts),
      };
    },
  };
}
