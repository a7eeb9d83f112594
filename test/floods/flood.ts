/** Floods and good requests at the same time: what the tests check, and what `bench/floods.ts` times. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CHAT } from "../holds/lab.ts";
import { type LoadResult, runSteadyLoad } from "../support/http-load.ts";
import { mint } from "../support/mint.ts";

const CHILD = fileURLToPath(new URL("flood-child.ts", import.meta.url));
const CONNECTIONS = 32;

/** Distinct virtual keys that nobody signed, one bad virtual key again and again, distinct keys that are the clients' own. */
export const FLOOD_KINDS = ["forged", "runaway", "byo"] as const;
export type FloodKind = (typeof FLOOD_KINDS)[number];

/** The tenants that good requests come from, in turn. */
export const TENANTS = 20;
const KEYS = Array.from({ length: TENANTS }, (_, n) => mint({ tenantId: String(n + 1), keyId: "1" }));

export interface FloodResult {
  readonly statuses: Readonly<Record<string, number>>;
  readonly secs: number;
}

/** Good requests, 200 a second. */
export const runGoodLoad = (url: string, count: number): Promise<LoadResult> =>
  runSteadyLoad({
    url: url + CHAT,
    perSecond: 200,
    count,
    request: (n) => ({
      headers: { authorization: `Bearer ${KEYS[n % TENANTS]}`, "content-type": "application/json" },
      body: '{"model":"m","messages":[]}',
    }),
  });

/** Floods as long as `meanwhile` takes, from a process of its own: making the flood costs this one's clock nothing. */
export async function floodDuring<T>(
  url: string,
  kind: FloodKind,
  meanwhile: () => Promise<T>,
): Promise<{ readonly flood: FloodResult; readonly result: T }> {
  const child = spawn(process.execPath, [CHILD, url, kind, String(CONNECTIONS)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    // Starting a process is a load of its own, which is not the one meant.
    await lines.next();
    const result = await meanwhile();
    child.stdin.end();
    const flood: FloodResult = JSON.parse((await lines.next()).value ?? "");
    return { flood, result };
  } finally {
    child.kill();
    await ended;
  }
}
