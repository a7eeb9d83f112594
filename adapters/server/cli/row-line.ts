/** A row as one line for people. */
import type { UsageRow } from "../../../src/gateway/row.ts";
import { paint } from "./paint.ts";

/** `12:30:01  ok  tenant 1 key 1  openai gpt-5-mini  9 in, 12 out  200 stream  34 ms (first byte 12 ms)`, local time. */
export function formatRowLine(row: UsageRow): string {
  const key = row.key_id === undefined ? "" : ` key ${row.key_id}`;
  const firstByte = row.ttft_ms === undefined ? "" : ` (first byte ${row.ttft_ms} ms)`;
  return [
    paint("dim", new Date(row.timestamp).toTimeString().slice(0, 8)),
    paint(row.outcome === "ok" ? "green" : "red", row.outcome),
    `tenant ${row.tenant_id}${key}`,
    `${row.provider} ${row.model ?? row.requested_model ?? row.path}`,
    tokens(row),
    `${row.status ?? "no answer"}${row.stream ? " stream" : ""}`,
    `${row.latency_ms} ms${firstByte}`,
  ].join("  ");
}

/** Zeros are shown for input and output, not for their parts. */
function tokens(row: UsageRow): string {
  if (row.usage_source === "none") return "no usage";
  const said = [
    row.input_tokens !== undefined && `${row.input_tokens} in`,
    row.cache_read_tokens && `${row.cache_read_tokens} cached`,
    row.output_tokens !== undefined && `${row.output_tokens} out`,
    row.reasoning_tokens && `${row.reasoning_tokens} reasoning`,
  ].filter(Boolean);
  return `${said.join(", ")}${row.usage_source === "reported" ? "" : ` (${row.usage_source})`}`;
}
