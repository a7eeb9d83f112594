/** From the start of the process to its first 200. */
import { request } from "undici";
import { SMALL_BODY } from "../load/bodies.ts";
import type { Scenario } from "../scenario.ts";
import { PATH } from "../target.ts";

const TIMEOUT_MS = 10_000;

export const coldStart: Scenario = {
  name: "cold-start",
  title: "cold start",
  metrics: ["coldStartMs"],
  answer: "json",
  direct: false,
  async measure({ origin, headers, startedAt }) {
    const options = { method: "POST", headers, body: SMALL_BODY, headersTimeout: TIMEOUT_MS } as const;
    const { statusCode, body } = await request(origin + PATH, options);
    await body.dump();
    if (statusCode !== 200) throw new Error(`the first request was answered ${statusCode}`);
    return { figures: { coldStartMs: performance.now() - startedAt }, counts: { answered: 1, cutOff: 0 } };
  },
};
