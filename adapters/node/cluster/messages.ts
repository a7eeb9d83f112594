/** What the primary and its workers say to each other over their channel. */
import type { ListenAddress } from "../../../src/config/address.ts";
import type { Config } from "../../../src/config/keys.ts";
import type { Counts } from "../../../src/gateway/metrics.ts";
import type { DenyBatch } from "./deny-batches.ts";
import type { News } from "./shared-limits.ts";

/** All that a worker needs, secrets included: it reads no config file and no environment variables. */
export interface WorkerStart {
  readonly type: "start";
  /** From 1. */
  readonly number: number;
  readonly config: Config;
  readonly address: ListenAddress;
  readonly version: string;
  /** Credentials hash the same in every process. */
  readonly seed: readonly [number, number];
}

export type ToWorker =
  | WorkerStart
  | { readonly type: "deny"; readonly batch: DenyBatch }
  | { readonly type: "config"; readonly config: Config }
  | { readonly type: "news"; readonly news: readonly News[] }
  /** Asks for a report with process metrics. */
  | { readonly type: "report" }
  | { readonly type: "drain" }
  /** Ends every connection now. */
  | { readonly type: "destroy" };

export interface Report {
  readonly type: "report";
  /** What was counted since the last report. */
  readonly counts: Counts;
  /** Gauges: their current values. */
  readonly live: { readonly inFlight: number; readonly streams: number };
  /** Only when asked for. */
  readonly processMetrics?: string;
}

export type FromWorker =
  | { readonly type: "listening"; readonly port: number }
  /** It could not start, and ends. */
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "news"; readonly news: News }
  | Report;
