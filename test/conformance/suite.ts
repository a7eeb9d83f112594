/**
 * The gateway's contract as behaviour: one suite for every runtime, run against gateways by URL.
 * What a runtime cannot give is data in its runner (`gaps`: id to reason) and must fail here, so that no gap outlives
 * its cause.
 */
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import type { StartGateway } from "../support/gateway-process.ts";
import type { Gaps } from "./gaps.ts";
import type { Check, Lab, Section } from "./lab.ts";
import { ceilings } from "./sections/ceilings.ts";
import { endpoints } from "./sections/endpoints.ts";
import { fixtures } from "./sections/fixtures.ts";
import { hiding } from "./sections/hiding.ts";
import { hygiene } from "./sections/hygiene.ts";
import { injection } from "./sections/injection.ts";
import { keys } from "./sections/keys.ts";
import { limits } from "./sections/limits.ts";
import { refusals } from "./sections/refusals.ts";
import { routing } from "./sections/routing.ts";
import { rows } from "./sections/rows.ts";
import { secrecy } from "./sections/secrecy.ts";
import { streaming } from "./sections/streaming.ts";
import { uploads } from "./sections/uploads.ts";
import { startLab } from "./start-lab.ts";

/** A gap's test may hang instead of failing; it is not waited for as long as a real one. */
const GAP_TIMEOUT_MS = 8_000;

const SECTIONS: Readonly<Record<string, Section>> = {
  routing,
  keys,
  refusals,
  endpoints,
  hygiene,
  "byte-exact relay of the fixtures": fixtures,
  "usage injection": injection,
  "usage hiding": hiding,
  streaming,
  uploads,
  rows,
  "limits and the breaker": limits,
  ceilings,
  // Last: it reads what all the others left behind.
  secrecy,
};

/** A runtime under test. */
export interface ConformanceOptions {
  readonly name: string;
  readonly start: StartGateway;
  /** What the runtime cannot give: check id to reason. */
  readonly gaps?: Gaps;
}

/** Defines the suite for one runtime. */
export function defineConformance({ name, start, gaps = {} }: ConformanceOptions): void {
  describe(`gateway contract on ${name}`, () => {
    let lab: Awaited<ReturnType<typeof startLab>>;
    const ids = new Set<string>();

    beforeAll(async () => {
      lab = await startLab(start);
    });
    afterAll(() => lab?.stop());

    const check: Check = (id, title, behaviour) => {
      if (ids.has(id)) throw new Error(`two checks have the id ${id}`);
      ids.add(id);
      const run = async ({ signal }: TestContext) => {
        lab.standIn.reset();
        await behaviour(lentUntil(signal, lab));
        expect(lab.standIn.faults).toEqual([]);
      };
      const gap = gaps[id];
      if (gap === undefined) it(`${title} [${id}]`, run);
      else if (typeof gap === "string") it.fails(`known gap: ${title} [${id}]: ${gap}`, run, GAP_TIMEOUT_MS);
    };
    for (const [title, section] of Object.entries(SECTIONS)) describe(title, () => section(check));

    it("names only gaps that the suite knows", () => {
      expect(Object.keys(gaps).filter((id) => !ids.has(id))).toEqual([]);
    });
  });
}

/** A check that hangs is given up; should it come to itself later, it must not meddle with the others' stand-in. */
function lentUntil(signal: AbortSignal, lab: Lab): Lab {
  return new Proxy(lab, {
    get(target, name) {
      signal.throwIfAborted();
      return Reflect.get(target, name);
    },
  });
}
