/** A row as the live page shows it, from the row or from the line it was written as. */
import type { UsageRow } from "../../../src/gateway/row.ts";
import type { LiveRow } from "./wire.ts";

/** Picked member by member: what the page does not show is not sent to it. A string is a row's own line. */
export function liveRowOf(from: UsageRow | string): LiveRow {
  const row = typeof from === "string" ? parseLine(from) : from;
  return {
    requestId: row.request_id,
    timestamp: row.timestamp,
    tenantId: row.tenant_id,
    keyId: row.key_id,
    provider: row.provider,
    model: row.model,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    outcome: row.outcome,
    status: row.status,
    usageSource: row.usage_source,
    isStream: row.stream,
    ttftMs: row.ttft_ms,
    latencyMs: row.latency_ms,
  };
}

/** In the line the ids are integers that a double would round: they are kept as they are spelled. */
function parseLine(line: string): UsageRow {
  return JSON.parse(line, (name: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" && name.endsWith("_id") ? context?.source : value,
  );
}
