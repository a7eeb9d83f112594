/** What the live feed sends to its page: one `hello`, then a `frame` a second. Rates are per second; no credential is in either. */

/** A row as the page shows it. Ids are u64 as decimal text; counts that nobody reported are absent. */
export interface LiveRow {
  readonly requestId: string;
  /** RFC 3339: when the request ended. */
  readonly timestamp: string;
  readonly tenantId: string;
  readonly keyId?: string | undefined;
  readonly provider: string;
  readonly model?: string | undefined;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly outcome: string;
  readonly status?: number | undefined;
  readonly usageSource: string;
  readonly isStream: boolean;
  readonly ttftMs?: number | undefined;
  readonly latencyMs: number;
}

export interface Hello {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Oldest first. */
  readonly rows: readonly LiveRow[];
}

/** Milliseconds, interpolated in the histograms' buckets as Prometheus' `histogram_quantile` does. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface Frame {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly requests: number;
  /** By error code. */
  readonly rejections: Readonly<Record<string, number>>;
  /** By provider, then by kind; BYO included. */
  readonly tokens: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Of what ended in the last 30 s, BYO included; null when nothing did. */
  readonly ttft: Percentiles | null;
  readonly latency: Percentiles | null;
  readonly inFlight: number;
  readonly streams: number;
  /** Provider → whether its breaker is open. */
  readonly circuits: Readonly<Record<string, boolean>>;
  readonly denied: number;
  /** Null where there is nothing to connect to. */
  readonly denyConnected: boolean | null;
  readonly draining: boolean;
  /** Those since the last frame, oldest first. */
  readonly rows: readonly LiveRow[];
}
