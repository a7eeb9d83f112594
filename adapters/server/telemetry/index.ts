/** OpenTelemetry over OTLP/HTTP. Loaded only where an endpoint is set, so that nobody else pays for its packages. */
import { setTimeout as delay } from "node:timers/promises";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Log } from "../../../src/gateway/ports.ts";
import type { StartSpan } from "../../../src/gateway/tracing.ts";
import { createExporters } from "./exporters.ts";
import { createStartSpan } from "./request-spans.ts";

/** Spans and records that wait for the collector; beyond it they are dropped. What is billed from is stdout. */
const BATCHING = { maxQueueSize: 16_384, maxExportBatchSize: 512, scheduledDelayMillis: 1000 };

/** How long the last export may take, in milliseconds. */
const LAST_EXPORT_MS = 5000;

const NAME = "beyond-ai";

export interface Telemetry {
  readonly startSpan: StartSpan;
  /** Exports what waits, for 5 seconds at most. */
  close(): Promise<void>;
}

export interface TelemetryOptions {
  /** The collector's base URL. */
  readonly endpoint: string;
  readonly version: string;
  readonly log: Log;
}

/** Nothing of it is registered globally: another OpenTelemetry in the process is left alone. */
export function createTelemetry({ endpoint, version, log }: TelemetryOptions): Telemetry {
  const exporters = createExporters(endpoint, log);
  const resource = resourceFromAttributes({ "service.name": NAME, "service.version": version });
  const tracers = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ ...BATCHING, exporter: exporters.spans })],
  });
  const loggers = new LoggerProvider({
    resource,
    processors: [new BatchLogRecordProcessor({ ...BATCHING, exporter: exporters.logs })],
  });
  return {
    startSpan: createStartSpan(tracers.getTracer(NAME, version), loggers.getLogger(NAME, version)),
    async close() {
      const stop = new AbortController();
      const late = delay(LAST_EXPORT_MS, undefined, { signal: stop.signal }).catch(() => {});
      await Promise.race([Promise.allSettled([tracers.shutdown(), loggers.shutdown()]), late]);
      stop.abort();
    },
  };
}
