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

/** How a field is written. `plain`: text of our own making, which needs no escaping; `digits`: a u64, which a JSON number may be. */
type Writing = "plain" | "text" | "digits" | "number" | "usage";

/** The order of the fields is the contract's. */
const FIELDS: readonly (readonly [name: Exclude<keyof UsageRow, symbol>, writing: Writing])[] = [
  ["target", "plain"],
  ["timestamp", "plain"],
  ["request_id", "plain"],
  ["tenant_id", "digits"],
  ["vpc_id", "digits"],
  ["key_id", "digits"],
  ["kid", "number"],
  ["provider", "plain"],
  ["dialect", "plain"],
  ["path", "text"],
  ["model", "text"],
  ["requested_model", "text"],
  ["stream", "number"],
  ["status", "number"],
  ["outcome", "plain"],
  ["usage_source", "plain"],
  ["input_tokens", "number"],
  ["output_tokens", "number"],
  ["cache_read_tokens", "number"],
  ["cache_write_tokens", "number"],
  ["cache_write_1h_tokens", "number"],
  ["reasoning_tokens", "number"],
  ["usage", "usage"],
  ["service_tier", "text"],
  ["response_id", "text"],
  ["ttft_ms", "number"],
  ["latency_ms", "number"],
  ["request_bytes", "number"],
  ["response_bytes", "number"],
];

/** What stands before each value, made once. */
const NAMES = FIELDS.map(([name], i) => `${i === 0 ? "{" : ","}"${name}":`);

/** The row as one JSON line, without its line feed. */
export function formatRow(row: UsageRow): string {
  let line = "";
  for (let i = 0; i < FIELDS.length; i++) {
    const [name, writing] = FIELDS[i]!;
    const value = row[name];
    if (value === undefined) continue;
    line += NAMES[i]!;
    if (writing === "number" || writing === "digits") line += value;
    else if (writing === "plain") line += `"${value}"`;
    else line += (writing === "usage" ? row[USAGE_TEXT] : undefined) ?? JSON.stringify(value);
  }
  return `${line}}`;
}
