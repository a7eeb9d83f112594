/** The ceiling of every request, with a million credentials active. */
import { createCeilings } from "../../src/limit/ceiling.ts";
import { calling, check, flat, type MicroCase } from "./case.ts";

const ACTIVE = 1_000_000;
const RPS = 100;

export function limitCases(): MicroCase[] {
  const ceilings = createCeilings({ rps: RPS, slots: ACTIVE, seed: [1, 2] });
  // Of a virtual key's length.
  const credentials = Array.from({ length: ACTIVE }, (_, i) =>
    flat(`bai_v2.1.${String(i).padStart(32, "A")}.${"s".repeat(86)}`),
  );
  for (const credential of credentials) ceilings.allow(credential, 0);
  // A clock that gives each of them half of its rate, in whole milliseconds: a fraction is boxed by whoever passes it on.
  let checks = 0;
  const nowMs = (): number => Math.floor((++checks * 1000) / ((RPS / 2) * ACTIVE));
  return [
    {
      name: "ceiling check, 1,000,000 credentials",
      ...calling(credentials, (credential) => check(ceilings.allow(credential, nowMs()), "ceiling")),
      bar: { atMostNs: 200, noHeap: true },
    },
  ];
}
