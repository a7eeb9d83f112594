/** One span for each admitted request, and for each row a log record within it. */
import {
  type Attributes,
  type Logger,
  ROOT_CONTEXT,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { formatRow, type RequestSummary, type UsageRow } from "../../../src/gateway/row.ts";
import type { StartSpan } from "../../../src/gateway/tracing.ts";
import { endAttributes, operationOf, startAttributes } from "./attributes.ts";
import { readTraceContext, withTraceparent } from "./trace-context.ts";

export function createStartSpan(tracer: Tracer, logger: Logger): StartSpan {
  return ({ provider, path, clientHeaders }) => {
    const parent = readTraceContext(clientHeaders);
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const started = startAttributes(provider.name, provider.authority, path);
    const span = tracer.startSpan(operationOf(path), { kind: SpanKind.CLIENT, attributes: started }, context);
    return {
      continueIn: (headers) => withTraceparent(headers, span.spanContext(), parent !== undefined),
      end(summary, row) {
        const ended = endAttributes(summary, row);
        if (row)
          logger.emit({ ...recordOf(row, { ...started, ...ended }), context: trace.setSpan(context, span) });
        span.updateName(nameOf(summary, path)).setAttributes(ended);
        if (isFailure(summary)) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  };
}

/** The body is the row's own line, digit by digit as on stdout. */
function recordOf(row: UsageRow, attributes: Attributes) {
  return {
    eventName: row.target,
    timestamp: new Date(row.timestamp),
    severityNumber: SeverityNumber.INFO,
    severityText: "INFO",
    body: formatRow(row),
    attributes,
  };
}

/** As the GenAI conventions name an inference span: the operation and the model that was asked for. */
function nameOf({ requested_model }: RequestSummary, path: string): string {
  const operation = operationOf(path);
  return requested_model === undefined ? operation : `${operation} ${requested_model}`;
}

const isFailure = ({ outcome }: RequestSummary): boolean =>
  outcome === "upstream_error" || outcome === "cut_short";
