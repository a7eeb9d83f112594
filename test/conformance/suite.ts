/**
 * The gateway's contract as behaviour: one suite for every runtime, run against gateways by URL.
 * What a runtime cannot give is data in its runner (`gaps`: id to reason) and must fail here, so that no gap outlives
 * its cause.
 */
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStandIn } from "../support/stand-in.ts";
import type { Check, GatewaySetup, Lab, RunningGateway, Section } from "./lab.ts";
import { ceilings } from "./sections/ceilings.ts";
import { endpoints } from "./sections/endpoints.ts";
import { fixtures } from "./sections/fixtures.ts";
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
import { baseSetup, ceilingsSetup, strictSetup } from "./setups.ts";

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
  readonly start: (setup: GatewaySetup) => Promise<RunningGateway>;
  /** What the runtime cannot give: check id to reason. */
  readonly gaps?: Readonly<Record<string, string>>;
}

/** Defines the suite for one runtime. */
export function defineConformance({ name, start, gaps = {} }: ConformanceOptions): void {
  describe(`gateway contract on ${name}`, () => {
    let lab: Lab;
    const ids = new Set<string>();

    beforeAll(async () => {
      const standIn = await startStandIn();
      const dead = await closedPort();
      const [base, strict, low] = await Promise.all([
        start(baseSetup(standIn.authority, dead)),
        start(strictSetup(standIn.authority, dead)),
        start(ceilingsSetup(standIn.authority, dead)),
      ]);
      lab = { standIn, base, strict, ceilings: low };
    }, 120_000);

    afterAll(async () => {
      await Promise.all([lab.base.stop(), lab.strict.stop(), lab.ceilings.stop()]);
      await lab.standIn.close();
      expect(lab.standIn.faults).toEqual([]);
    });

    const check: Check = (id, title, behaviour) => {
      if (ids.has(id)) throw new Error(`two checks have the id ${id}`);
      ids.add(id);
      const run = async () => {
        lab.standIn.reset();
        await behaviour(lab);
      };
      const gap = gaps[id];
      if (gap === undefined) it(`${title} [${id}]`, run);
      else it.fails(`known gap: ${title} [${id}]: ${gap}`, run, GAP_TIMEOUT_MS);
    };
    for (const [title, section] of Object.entries(SECTIONS)) describe(title, () => section(check));

    it("names only gaps that the suite knows", () => {
      expect(Object.keys(gaps).filter((id) => !ids.has(id))).toEqual([]);
    });
  });
}

/** `127.0.0.1:port` where nobody listens: a port that was ours a moment ago. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return `127.0.0.1:${address.port}`;
}
