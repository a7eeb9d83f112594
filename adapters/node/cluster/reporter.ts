/** Tells the primary what a worker counts: soon after it has, and when asked. */
import type { Metrics } from "../../../src/gateway/metrics.ts";
import { createProcessMetrics } from "../../server/process-metrics.ts";
import type { FromWorker, Report } from "./messages.ts";

/** Often enough for the live page, which shows whole seconds. A killed worker loses what it had not reported yet. */
const REPORT_MS = 100;

export interface Reporter {
  /** With the process metrics. */
  report(): Promise<void>;
  /** The last one; calls back when it is on its way. */
  end(onTold: () => void): void;
}

export function createReporter(
  number: number,
  metrics: Metrics,
  tell: (message: FromWorker, onTold?: () => void) => void,
): Reporter {
  const processMetrics = createProcessMetrics(`worker ${number}`);
  let last: Report["live"] = { inFlight: 0, streams: 0 };
  const take = (): Report => {
    last = { ...metrics.live };
    return { type: "report", counts: metrics.take(), live: last };
  };
  const timer = setInterval(() => {
    const { inFlight, streams } = last;
    const report = take();
    const isNews =
      Object.keys(report.counts).length > 0 || inFlight !== last.inFlight || streams !== last.streams;
    if (isNews) tell(report);
  }, REPORT_MS);
  return {
    async report() {
      const text = await processMetrics.metrics();
      // Taken after the wait: counts that are taken must be sent at once.
      tell({ ...take(), processMetrics: text });
    },
    end(onTold) {
      clearInterval(timer);
      tell(take(), onTold);
    },
  };
}
