/** What the SDK tests share: a gateway whose providers are all the embedded one, and the marks of a good answer. */
import { expect } from "vitest";
import type { Lab } from "../conformance/lab.ts";
import type { Row } from "../support/rows.ts";

/** The prompt of most tests, and what the embedded provider makes of it: one word is one token. */
export const PROMPT = "hello there";
export const ANSWER = "You said: hello there";
export const USER = [{ role: "user" as const, content: PROMPT }];

/** A tool for the embedded provider: it calls the tool that the prompt names. */
export const TOOL_PROMPT = "please use get_weather";
export const TOOL_SCHEMA = {
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
  additionalProperties: false,
};

/** Waits for the one row that a requested model got, and checks it with what every good row says. */
export async function expectRow(lab: Lab, model: string, expected: Partial<Row>): Promise<void> {
  const row = await lab.base.waitForRow(({ requested_model }) => requested_model === model);
  expect(row).toMatchObject({ status: 200, outcome: "ok", tenant_id: "42", ...expected });
  expect(lab.base.rows().filter(({ requested_model }) => requested_model === model)).toHaveLength(1);
}

/** A fetch that counts, to see whether an SDK retried. */
export function countingFetch(): { fetch: typeof fetch; calls: () => number } {
  let calls = 0;
  return {
    fetch: (input, init) => {
      calls++;
      return fetch(input, init);
    },
    calls: () => calls,
  };
}
