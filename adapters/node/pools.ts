/** Pools that follow the config: after a reload that concerns connections, new requests get pools of their own. */
import type { Config } from "../../src/config/keys.ts";
import { createPools, type Pools, type UpstreamConfig } from "./upstream.ts";

export interface FollowingPools {
  /** For a request that starts now. */
  current(): Pools;
  /** Ends every connection now, those of retired pools too. */
  close(): Promise<void>;
}

/** Every field that a pool is made from; the type makes a missing one an error. */
const SHAPES_POOLS: { readonly [F in keyof UpstreamConfig]: true } = {
  upstreamTls: true,
  upstreamHttp2: true,
  connectTimeoutSecs: true,
  readTimeoutSecs: true,
  idleTimeoutSecs: true,
};
const FIELDS = Object.keys(SHAPES_POOLS) as (keyof UpstreamConfig)[]; // a closed literal

/** `config` is asked for every request: a comparison of two references unless there was a reload. */
export function createFollowingPools(config: () => Config): FollowingPools {
  let seen = config();
  let pools = createPools(seen);
  const retired: Pools[] = [];
  return {
    current() {
      const now = config();
      if (now === seen) return pools;
      const isSame = FIELDS.every((field) => now[field] === seen[field]);
      seen = now;
      if (isSame) return pools;
      pools.retire();
      retired.push(pools);
      pools = createPools(now);
      return pools;
    },
    close: async () => {
      await Promise.all([pools, ...retired].map((one) => one.close()));
    },
  };
}
