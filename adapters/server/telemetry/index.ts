/** OpenTelemetry: a span for every admitted request, and every row as a log record. Loaded only where an endpoint is set. */
import { ROOT_CONTEXT, SeverityNumber, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Log } from "../../../src/gateway/ports.ts";
import { formatRow, type RequestSummary, type UsageRow } from "../../../src/gateway/row.ts";
import type { StartSpan } from "../../../src/gateway/tracing.ts";
import { endAttributes, operationOf, rowAttributes, startAttributes } from "./attributes.ts";
import { createExporters } from "./exporters.ts";
import { readTraceContext, withTraceparent } from "./trace-context.ts";

/** Records and spans that wait for the collector; beyond it they are dropped. stdout is what is billed from. */
const BATCHING = { maxQueueSize: 16_384, maxExportBatchSize: 512, scheduledDelayMillis: 1000 };

/** How long the last export may take, in milliseconds. */
const LAST_EXPORT_MS = 5000;

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

/** Nothing of it is registered globally: an embedding app's own OpenTelemetry is left alone. */
export function createTelemetry({ endpoint, version, log }: TelemetryOptions): Telemetry {
  const exporters = createExporters(endpoint, log);
  const resource = resourceFromAttributes({ "service.name": "beyond-ai", "service.version": version });
  const tracers = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ ...BATCHING, exporter: exporters.spans })],
  });
  const loggers = new LoggerProvider({
    resource,
    processors: [new BatchLogRecordProcessor({ ...BATCHING, exporter: exporters.logs })],
  });
  const tracer = tracers.getTracer("beyond-ai", version);
  const logger = loggers.getLogger("beyond-ai", version);

  const startSpan: StartSpan = ({ provider, path, clientHeaders, managed }) => {
    const parent = readTraceContext(clientHeaders);
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const attributes = startAttributes(provider.name, provider.authority, path);
    const span = tracer.startSpan(operationOf(path), { kind: SpanKind.CLIENT, attributes }, context);
    return {
      continueIn: (headers) => withTraceparent(headers, span.spanContext(), parent !== undefined),
      end(summary, row) {
        const ended = endAttributes(summary);
        span.updateName(nameOf(summary, path));
        span.setAttributes({ ...ended, "beyond.managed": managed !== undefined, ...(row && rowAttributes(row)) });
        if (isFailure(summary)) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
        if (row) emit(row, { ...attributes, ...ended, ...rowAttributes(row) });

        function emit(record: UsageRow, all: typeof attributes): void {
          logger.emit({
            eventName: record.target,
            timestamp: new Date(record.timestamp),
            severityNumber: SeverityNumber.INFO,
            severityText: "INFO",
            body: formatRow(record),
            attributes: all,
            context: trace.setSpan(context, span),
          });
        }
      },
    };
  };

  return {
    startSpan,
    async close() {
      const closed = Promise.allSettled([tracers.shutdown(), loggers.shutdown()]);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LAST_EXPORT_MS);
      });
      await Promise.race([closed, late]);
      clearTimeout(timer);
    },
  };
}

/** As the GenAI conventions name an inference span: the operation and the model that was asked for. */
function nameOf({ requested_model }: RequestSummary, path: string): string {
  const operation = operationOf(path);
  return requested_model === undefined ? operation : `${operation} ${requested_model}`;
}

const isFailure = ({ outcome }: RequestSummary): boolean => outcome === "upstream_error" || outcome === "cut_short";
