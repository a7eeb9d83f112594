/** A steady load in an open loop: requests leave at their time, whether or not the ones before have been answered. */
import { Agent, type OutgoingHttpHeaders, request as send } from "node:http";
import { performance } from "node:perf_hooks";

export interface SteadyLoad {
  readonly url: string;
  readonly perSecond: number;
  readonly count: number;
  /** Headers and body of the n-th request, a POST. */
  readonly request: (n: number) => { readonly headers: OutgoingHttpHeaders; readonly body: string };
}

export interface LoadResult {
  /** How many answers had that status; `0` stands for no whole answer. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Half of the answers took less, in milliseconds from the request's own sending. */
  readonly p50Ms: number;
  /** Of every hundred the slowest but one. */
  readonly p99Ms: number;
}

/** Resolves when the last request has ended, well or not. */
export async function runSteadyLoad({ url, perSecond, count, request }: SteadyLoad): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true });
  const statuses: Record<number, number> = {};
  const latencies: number[] = [];
  const ask = async (n: number): Promise<void> => {
    const startedMs = performance.now();
    const status = await post(url, agent, request(n)).catch(() => 0);
    latencies.push(performance.now() - startedMs);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const asked = await paced(perSecond, count, ask);
  await Promise.all(asked);
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number): number => latencies[Math.floor(latencies.length * q)] ?? 0;
  return { statuses, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

/** Starts each at its time; those that a late timer has missed start together. */
function paced<T>(perSecond: number, count: number, start: (n: number) => T): Promise<T[]> {
  return new Promise((resolve) => {
    const started: T[] = [];
    const beganMs = performance.now();
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - beganMs) * perSecond) / 1000));
      while (started.length < due) started.push(start(started.length));
      if (due < count) return;
      clearInterval(timer);
      resolve(started);
    }, 1000 / perSecond);
  });
}

/** The status of a whole answer; rejects for any other. */
function post(
  url: string,
  agent: Agent,
  { headers, body }: { readonly headers: OutgoingHttpHeaders; readonly body: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = send(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
      response.once("error", reject);
    });
    request.once("error", reject);
    request.end(body);
  });
}
