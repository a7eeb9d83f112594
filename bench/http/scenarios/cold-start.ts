/** From the start of the process to its first 200. */
import { askOnce } from "../load/ask-once.ts";
import { SMALL_BODY } from "../load/bodies.ts";
import type { Scenario } from "../scenario.ts";

export const coldStart: Scenario = {
  name: "cold-start",
  title: "cold start",
  metrics: ["coldStartMs"],
  answer: "json",
  without: ["direct", "nginx", "tuned nginx", "other"],
  alone: false,
  async measure(target) {
    await askOnce(target, SMALL_BODY);
    const coldStartMs = performance.now() - target.startedAt;
    return { figures: { coldStartMs }, counts: { answered: 1, cutOff: 0 } };
  },
};
