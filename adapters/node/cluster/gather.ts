/** Adds what a worker reports to the metrics of the primary. What a worker that died has reported stays counted. */
import type { Metrics } from "../../../src/gateway/metrics.ts";
import type { Report } from "./messages.ts";

export interface GatheredReports {
  take(report: Pick<Report, "counts" | "live">): void;
  /** The worker is gone: its requests in flight no longer count. */
  end(): void;
}

/** One for each worker process. */
export function gatherReports(metrics: Metrics): GatheredReports {
  let last: Report["live"] = { inFlight: 0, streams: 0 };
  const follow = (live: Report["live"]): void => {
    metrics.live.inFlight += live.inFlight - last.inFlight;
    metrics.live.streams += live.streams - last.streams;
    last = live;
  };
  return {
    take({ counts, live }) {
      metrics.give(counts);
      follow(live);
    },
    end: () => follow({ inFlight: 0, streams: 0 }),
  };
}
