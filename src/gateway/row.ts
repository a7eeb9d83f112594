/** The `ai.usage` row: its shape, and the one line it is written as. */
import type { Dialect } from "./errors.ts";

export type Outcome = "ok" | "upstream_error" | "client_cancelled" | "cut_short";

/** `partial`: input reported, output estimated. `none`: no counts at all. */
export type UsageSource = "reported" | "partial" | "estimated" | "none";

/** The provider's usage object as it came, kept beside its parsed form so that the line repeats it digit by digit. */
export const USAGE_TEXT = Symbol("ai.usage text");

/** What became of a request, whoever sent it. Absent is not zero: a count that nobody reported is no member. */
export interface RequestSummary {
  readonly provider: string;
  readonly dialect: Dialect;
  readonly path: string;
  readonly model?: string;
  readonly requested_model?: string;
  readonly stream: boolean;
  readonly status?: number;
  readonly outcome: Outcome;
  readonly usage_source: UsageSource;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cache_read_tokens?: number;
  readonly cache_write_tokens?: number;
  readonly cache_write_1h_tokens?: number;
  readonly reasoning_tokens?: number;
  readonly usage?: unknown;
  readonly service_tier?: string;
  readonly response_id?: string;
  readonly ttft_ms?: number;
  readonly latency_ms: number;
  readonly request_bytes: number;
  readonly response_bytes: number;
  readonly [USAGE_TEXT]?: string;
}

/** One per admitted managed request. Ids are u64 as decimal text; in the written line they are integers. */
export interface UsageRow extends RequestSummary {
  readonly target: "ai.usage";
  /** RFC 3339, UTC, milliseconds: when the request ended. */
  readonly timestamp: string;
  readonly request_id: string;
  readonly tenant_id: string;
  readonly vpc_id: string;
  readonly key_id?: string;
  readonly kid: number;
}

/** Members whose text is a u64: written without quotes, since a JSON number may have any digits. */
const INTEGER_TEXT = new Set(["tenant_id", "vpc_id", "key_id"]);

/** The row as one JSON line, without its line feed. */
export function formatRow(row: UsageRow): string {
  let line = "{";
  for (const [name, value] of Object.entries(row)) {
    if (value === undefined) continue;
    if (line !== "{") line += ",";
    line += `"${name}":`;
    if (INTEGER_TEXT.has(name)) line += value;
    else if (name === "usage") line += row[USAGE_TEXT] ?? JSON.stringify(value);
    else line += JSON.stringify(value);
  }
  return `${line}}`;
}
