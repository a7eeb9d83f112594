/** As much as goes through: CPU for 1,000 requests, and requests a second. */
import type { AnswerKind } from "../answers.ts";
import { PROMPT_BODY, SMALL_BODY, STREAM_BODY } from "../load/bodies.ts";
import { cpuSeconds } from "../process-group.ts";
import { closedLoop, type Scenario, WARM_UP_SECS } from "../scenario.ts";

interface Throughput {
  readonly name: string;
  readonly title: string;
  readonly answer: AnswerKind;
  readonly body: Buffer;
  readonly connections: number;
}

export const json = throughput({
  name: "json",
  title: "small JSON",
  answer: "json",
  body: SMALL_BODY,
  connections: 32,
});

export const streams = throughput({
  name: "streams",
  title: "200-event streams",
  answer: "stream",
  body: STREAM_BODY,
  connections: 32,
});

export const prompts = throughput({
  name: "prompts",
  title: "100 KB prompts",
  answer: "json",
  body: PROMPT_BODY,
  connections: 16,
});

function throughput({ name, title, answer, body, connections }: Throughput): Scenario {
  return {
    name,
    title,
    metrics: ["cpuPer1000", "perSecond"],
    answer,
    direct: false,
    async measure(target, settings) {
      const { secs } = settings;
      const warmUp = await closedLoop(target, settings, { body, connections, secs: WARM_UP_SECS });
      const before = cpuSeconds(target.group);
      const { answered } = await closedLoop(target, settings, { body, connections, secs });
      const cpu = cpuSeconds(target.group) - before;
      return {
        figures: { cpuPer1000: (cpu * 1000) / answered, perSecond: answered / secs },
        answered: warmUp.answered + answered,
        cutOff: 2 * connections,
      };
    },
  };
}
