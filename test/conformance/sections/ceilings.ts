/** §10 on the gateway with low rates. Bursts are sent at once; how many pass is bounded from both sides, not timed. */
import { expect } from "vitest";
import { forge, mint } from "../../support/mint.ts";
import type { RawResponse } from "../../support/raw-http.ts";
import { type Ask, ask, expectRefusal, jsonBody, type Lab, type Refusal, type Section } from "../lab.ts";

const TARGET = "/openai/v1/models";
const RATE_LIMITED: Refusal = { status: 429, code: "rate_limited", type: "rate_limit_error", retry: "soon" };
const BYO_LIMITED: Refusal = { ...RATE_LIMITED, code: "byo_rate_limited" };
const INVALID: Refusal = { status: 401, code: "invalid_key", type: "authentication_error" };
const BURST = 40;

async function burst(lab: Lab, request: (n: number) => Ask): Promise<RawResponse[]> {
  return Promise.all(Array.from({ length: BURST }, (_, n) => ask(lab.ceilings, request(n))));
}

function split(responses: readonly RawResponse[]) {
  const limited = responses.filter(({ status }) => status === 429);
  return { limited, others: responses.filter(({ status }) => status !== 429) };
}

export const ceilings: Section = (check) => {
  check("ceilings/credential", "holds one credential to its rate and leaves another alone", async (lab) => {
    const key = mint({ tenantId: "7001" });
    let passed = 0;
    let another: RawResponse;
    // The checks before this one may have used the second's verifications up. Each try of the other comes right behind a burst.
    do {
      const { limited, others } = split(await burst(lab, () => ({ target: TARGET, key })));
      expect(limited.length).toBeGreaterThan(0);
      for (const response of limited) expectRefusal(response, RATE_LIMITED);
      for (const { status } of others) expect(status).toBe(200);
      passed += others.length;
      another = await ask(lab.ceilings, { target: TARGET, key: mint({ tenantId: "7002" }) });
    } while (passed === 0 || another.status === 429);
    expect(another.status).toBe(200);
    expect(lab.standIn.requests).toHaveLength(passed + 1);
  });

  check("ceilings/anthropic", "speaks the anthropic dialect to its clients", async (lab) => {
    const key = mint({ tenantId: "7003" });
    const request = { target: "/anthropic/v1/messages", key, ...jsonBody({ model: "m" }) };
    const { limited } = split(await burst(lab, () => request));
    expect(limited.length).toBeGreaterThan(0);
    for (const response of limited) expectRefusal(response, { ...RATE_LIMITED, dialect: "anthropic" });
  });

  check(
    "ceilings/before-signature",
    "stands before the signature: a forged key is limited too",
    async (lab) => {
      const key = forge(1);
      const { limited, others } = split(await burst(lab, () => ({ target: TARGET, key })));
      expect(limited.length).toBeGreaterThan(0);
      for (const response of limited) expectRefusal(response, RATE_LIMITED);
      for (const response of others) expectRefusal(response, INVALID);
      expect(lab.standIn.requests).toEqual([]);
    },
  );

  check("ceilings/byo", "holds all BYO traffic together to its rate", async (lab) => {
    const { limited, others } = split(
      await burst(lab, (n) => ({ target: TARGET, key: `sk-byo-burst-${n}` })),
    );
    expect(others.length).toBeGreaterThan(0);
    expect(limited.length).toBeGreaterThan(0);
    for (const response of limited) expectRefusal(response, BYO_LIMITED);
    for (const { status } of others) expect(status).toBe(200);
  });

  check(
    "ceilings/verify",
    "bounds the verifications of forged keys and still serves a key that it remembers",
    async (lab) => {
      const key = mint({ tenantId: "7004" });
      let remembered = await ask(lab.ceilings, { target: TARGET, key });
      // The checks before this one may have used the second's verifications up.
      while (remembered.status === 429) remembered = await ask(lab.ceilings, { target: TARGET, key });
      expect(remembered.status).toBe(200);
      // Its own ceiling may want a second, too: each try comes right behind a burst that used the verifications up.
      do {
        const { limited, others } = split(await burst(lab, (n) => ({ target: TARGET, key: forge(100 + n) })));
        expect(limited.length).toBeGreaterThan(0);
        for (const response of limited) expectRefusal(response, RATE_LIMITED);
        for (const response of others) expectRefusal(response, INVALID);
        remembered = await ask(lab.ceilings, { target: TARGET, key });
      } while (remembered.status === 429);
      expect(remembered.status).toBe(200);
    },
  );
};
