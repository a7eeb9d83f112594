/** A gateway of two workers: which process is which, and requests that reach all of them. */
import { openChat } from "../holds/lab.ts";
import { configOver, NODE_WORKERS, type Served, startServed } from "../ops/served.ts";
import { until } from "../support/until.ts";

/** Without ceilings, unless told. */
export const serveWorkers = (
  authority: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Served> =>
  startServed(NODE_WORKERS, configOver(authority, { rate_limit_rps: 0, byo_rate_limit_rps: 0, ...more }));

/** Of the process that has that number now. */
export function pidOf({ process }: Served, worker: number): number {
  const started = new RegExp(`"message":"worker started","worker":${worker},"pid":(\\d+)`, "g");
  return Number([...process.stderr().matchAll(started)].at(-1)?.[1]);
}

/** Kills a worker as the system would; resolves when another one has its number and listens. */
export async function killWorker(gateway: Served, worker: number): Promise<void> {
  const pid = pidOf(gateway, worker);
  process.kill(pid, "SIGKILL");
  await until(() => pidOf(gateway, worker) !== pid);
}

/** The statuses of requests on connections of their own, one after the other: they go round the workers. */
export async function askAll(url: string, key?: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) {
    const connection = await openChat(url, key === undefined ? {} : { key });
    statuses.push((await connection.readResponse()).status);
    connection.destroy();
  }
  return statuses;
}
