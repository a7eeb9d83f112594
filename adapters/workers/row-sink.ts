/** Where rows go on Workers: the console always, a Queue and Analytics Engine when bound. */
import { formatRow, type UsageRow } from "../../src/gateway/row.ts";
import type { AnalyticsPoint, Bindings } from "./bindings.ts";

/** Rejects when the Queue, the billing sink, does not take the row. The other two are for information. */
export function createRowSink(
  { USAGE_QUEUE, USAGE_ANALYTICS }: Bindings,
  waitUntil: (work: Promise<unknown>) => void,
): (row: UsageRow) => Promise<void> | void {
  return (row) => {
    const line = formatRow(row);
    console.log(line);
    const sent = USAGE_QUEUE?.send(line, { contentType: "text" });
    if (sent) waitUntil(sent.catch(() => {}));
    try {
      USAGE_ANALYTICS?.writeDataPoint(analyticsPoint(row));
    } catch {
      // The row itself is not lost.
    }
    return sent?.then(() => {});
  };
}

/** Blobs: tenant, provider, model, outcome, source. Doubles: input, output, cache read, milliseconds. */
function analyticsPoint(row: UsageRow): AnalyticsPoint {
  return {
    indexes: [row.tenant_id],
    blobs: [row.tenant_id, row.provider, row.model ?? "", row.outcome, row.usage_source],
    doubles: [row.input_tokens ?? 0, row.output_tokens ?? 0, row.cache_read_tokens ?? 0, row.latency_ms],
  };
}
