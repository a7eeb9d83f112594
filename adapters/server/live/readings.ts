/** Reads the gateway's counters at one moment, and makes rates of two such readings. */
import { BUCKETS, type Counter } from "../../../src/gateway/metrics.ts";
import type { GatewayState } from "../../../src/gateway/state.ts";
import { quantileOf } from "./quantile.ts";
import type { Frame, Percentiles } from "./wire.ts";

/** Counters as they stand: they only grow. */
export interface Reading {
  /** Monotonic milliseconds. */
  readonly takenMs: number;
  readonly requests: number;
  readonly rejections: ReadonlyMap<string, number>;
  /** By the counter's own label text. */
  readonly tokens: ReadonlyMap<string, number>;
  /** Observations by bucket. */
  readonly ttft: Float64Array;
  readonly latency: Float64Array;
}

export function takeReading({ metrics, clock }: GatewayState): Reading {
  return {
    takenMs: clock.monotonic(),
    requests: metrics.requests.total(),
    rejections: copyOf(metrics.rejections),
    tokens: copyOf(metrics.providerTokens),
    ttft: metrics.ttft.totals(),
    latency: metrics.latency.totals(),
  };
}

const copyOf = (counter: Counter): ReadonlyMap<string, number> => new Map(counter.entries());

type Rates = Pick<Frame, "requests" | "rejections" | "tokens" | "ttft" | "latency">;

/** Rates between `last` and `now`; percentiles of what was observed since `windowStart`. */
export function ratesBetween(last: Reading, now: Reading, windowStart: Reading): Rates {
  const seconds = Math.max(now.takenMs - last.takenMs, 1) / 1000;
  const rateOf = (counts: ReadonlyMap<string, number>, labels: string, count: number): number =>
    (count - (counts.get(labels) ?? 0)) / seconds;
  const tokens = new Map<string, [kind: string, rate: number][]>();
  for (const [labels, count] of now.tokens) {
    const provider = labelValue(labels, "provider");
    const kinds = tokens.get(provider) ?? [];
    tokens.set(provider, [...kinds, [labelValue(labels, "kind"), rateOf(last.tokens, labels, count)]]);
  }
  return {
    requests: (now.requests - last.requests) / seconds,
    rejections: Object.fromEntries(
      [...now.rejections].map(([labels, count]) => [
        labelValue(labels, "reason"),
        rateOf(last.rejections, labels, count),
      ]),
    ),
    tokens: Object.fromEntries([...tokens].map(([provider, kinds]) => [provider, Object.fromEntries(kinds)])),
    ttft: percentilesOf(windowStart.ttft, now.ttft),
    latency: percentilesOf(windowStart.latency, now.latency),
  };
}

/** The label texts are our own, of provider names and codes that hold neither quote nor backslash. */
function labelValue(labels: string, name: string): string {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
}

function percentilesOf(before: Float64Array, after: Float64Array): Percentiles | null {
  const counts = after.map((count, i) => count - before[i]!);
  const at = (quantile: number): number | undefined => quantileOf(quantile, counts, BUCKETS);
  const [p50, p95, p99] = [at(0.5), at(0.95), at(0.99)];
  if (p50 === undefined || p95 === undefined || p99 === undefined) return null;
  return { p50: p50 * 1000, p95: p95 * 1000, p99: p99 * 1000 };
}
