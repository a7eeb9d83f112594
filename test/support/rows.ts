/** `ai.usage` rows as tests read them. */

/** A parsed row (gateway.md §8). The u64 ids are decimal text, since JSON.parse would round them. */
export interface Row {
  readonly target: string;
  readonly timestamp: string;
  readonly request_id: string;
  readonly tenant_id: string;
  readonly vpc_id: string;
  readonly key_id?: string;
  readonly kid: number;
  readonly provider: string;
  readonly dialect: string;
  readonly path: string;
  readonly model?: string;
  readonly requested_model?: string;
  readonly stream: boolean;
  readonly status?: number;
  readonly outcome: string;
  readonly usage_source: string;
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
}

const U64_FIELDS = ["tenant_id", "vpc_id", "key_id"] as const;

/** Parses one line; throws on what is no JSON. */
export function parseRow(line: string): Row {
  const row: Row = JSON.parse(line);
  // The ids stand before every nested member, so the first match is the row's own.
  const ids = U64_FIELDS.flatMap((name) => {
    const digits = new RegExp(`"${name}":(\\d+)[,}]`).exec(line)?.[1];
    return digits === undefined ? [] : [[name, digits]];
  });
  return { ...row, ...Object.fromEntries(ids) };
}
