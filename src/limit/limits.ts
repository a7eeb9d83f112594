/** What makes a gateway's ceilings and breakers: each its own unless a runtime of several processes hands in ones that hear of each other. */
import { type Breaker, type BreakerOptions, createBreaker } from "./breaker.ts";
import { type AggregateCeiling, type Ceilings, createAggregateCeiling, createCeilings } from "./ceiling.ts";

export interface Limits {
  ceilings(rps: number): Ceilings;
  /** `byo`: all BYO credentials together; `verify`: signature verifications. */
  aggregate(of: "byo" | "verify", rps: number): AggregateCeiling;
  breaker(provider: string, options: BreakerOptions): Breaker;
}

export const OWN_LIMITS: Limits = {
  ceilings: (rps) => createCeilings({ rps }),
  aggregate: (_of, rps) => createAggregateCeiling({ rps }),
  breaker: (_provider, options) => createBreaker(options),
};
