/** From the start of the process to its first 200. */
import { SMALL_BODY } from "../load/bodies.ts";
import type { Scenario } from "../scenario.ts";
import { PATH } from "../target.ts";

export const coldStart: Scenario = {
  name: "cold-start",
  title: "cold start",
  metrics: ["coldStartMs"],
  answer: "json",
  direct: false,
  async measure({ origin, headers, startedAt }) {
    const response = await fetch(origin + PATH, { method: "POST", headers, body: SMALL_BODY });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`the first request was answered ${response.status}`);
    return { figures: { coldStartMs: performance.now() - startedAt }, answered: 1, cutOff: 0 };
  },
};
