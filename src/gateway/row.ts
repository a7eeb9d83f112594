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

/** The row as one JSON line, without its line feed. The order of the fields is the contract's. */
export function formatRow(row: UsageRow): string {
  return (
    // Text of our own making needs no escaping, and a u64 is a JSON number as it stands.
    `{"target":"${row.target}","timestamp":"${row.timestamp}","request_id":"${row.request_id}"` +
    `,"tenant_id":${row.tenant_id},"vpc_id":${row.vpc_id}${bare("key_id", row.key_id)},"kid":${row.kid}` +
    `,"provider":"${row.provider}","dialect":"${row.dialect}"${text("path", row.path)}` +
    text("model", row.model) +
    text("requested_model", row.requested_model) +
    `,"stream":${row.stream}${bare("status", row.status)}` +
    `,"outcome":"${row.outcome}","usage_source":"${row.usage_source}"` +
    bare("input_tokens", row.input_tokens) +
    bare("output_tokens", row.output_tokens) +
    bare("cache_read_tokens", row.cache_read_tokens) +
    bare("cache_write_tokens", row.cache_write_tokens) +
    bare("cache_write_1h_tokens", row.cache_write_1h_tokens) +
    bare("reasoning_tokens", row.reasoning_tokens) +
    bare("usage", row[USAGE_TEXT] ?? JSON.stringify(row.usage)) +
    text("service_tier", row.service_tier) +
    text("response_id", row.response_id) +
    bare("ttft_ms", row.ttft_ms) +
    `,"latency_ms":${row.latency_ms},"request_bytes":${row.request_bytes},"response_bytes":${row.response_bytes}}`
  );
}

const bare = (name: string, value: string | number | undefined): string =>
  value === undefined ? "" : `,"${name}":${value}`;

/** What JSON writes as it stands: asking costs half of what `JSON.stringify` does. */
const PLAIN = /^[ !#-[\]-~]*$/;

const text = (name: string, value: string | undefined): string =>
  value === undefined ? "" : `,"${name}":${PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)}`;
