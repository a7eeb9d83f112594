/** What wrangler.toml may bind. All are optional; vars and secrets carry the config under its `AI_*` names. */
import type { KvNamespace } from "../../src/deny/kv-source.ts";

export interface Bindings {
  readonly [variable: string]: unknown;
  /** The deny-set. */
  readonly DENY?: KvNamespace;
  /** Cloudflare's rate limiting, in place of the isolate's own ceiling. */
  readonly RATE_LIMIT?: { limit(options: { key: string }): Promise<{ success: boolean }> };
  /** The billing sink: each row as its line. */
  readonly USAGE_QUEUE?: { send(body: string, options: { contentType: "text" }): Promise<unknown> };
  /** For dashboards; it samples. */
  readonly USAGE_ANALYTICS?: { writeDataPoint(point: AnalyticsPoint): void };
}

export interface AnalyticsPoint {
  readonly indexes: readonly string[];
  readonly blobs: readonly string[];
  readonly doubles: readonly number[];
}
