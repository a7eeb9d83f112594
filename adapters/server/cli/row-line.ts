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

function tokens({
  usage_source,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  reasoning_tokens,
}: UsageRow): string {
  if (usage_source === "none") return "no usage";
  const counts: readonly (readonly [number | undefined, string])[] = [
    [input_tokens, "in"],
    [cache_read_tokens, "cached"],
    [output_tokens, "out"],
    [reasoning_tokens, "reasoning"],
  ];
  const said = counts
    .flatMap(([count, name]) => (count === undefined ? [] : [`${count} ${name}`]))
    .join(", ");
  return usage_source === "reported" ? said : `${said} (${usage_source})`;
}
