/** W3C Trace Context on header lists: reading the client's, writing our own in its place. */
import { createTraceState, type SpanContext } from "@opentelemetry/api";
import type { HeaderList } from "../../../src/gateway/ports.ts";

/** https://www.w3.org/TR/trace-context/ §3.2: version, trace id, parent id, flags; all-zero ids and version ff are invalid. */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The client's context; undefined when it sent none, several (§3.2.1) or an invalid one. */
export function readTraceContext(headers: HeaderList): SpanContext | undefined {
  const [traceparent, another] = valuesOf(headers, "traceparent");
  if (traceparent === undefined || another !== undefined) return undefined;
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(traceparent.trim()) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  // Later versions may add fields; version 00 has none.
  if (version === "00" && more !== undefined) return undefined;
  const traceState = createTraceState(valuesOf(headers, "tracestate").join(","));
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, traceState };
}

/**
 * The headers with `own` as the parent. `tracestate` belongs to the trace that it came with: it is kept, as it is
 * spelled, in a continued trace and dropped with an invalid one (§3.3).
 */
export function withTraceparent(headers: HeaderList, own: SpanContext, isContinued: boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    if (name === "traceparent" || (name === "tracestate" && !isContinued)) continue;
    kept.push(headers[i]!, headers[i + 1]!);
  }
  const flags = own.traceFlags.toString(16).padStart(2, "0");
  kept.push("traceparent", `00-${own.traceId}-${own.spanId}-${flags}`);
  return kept;
}

function valuesOf(headers: HeaderList, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.length === name.length && headers[i]!.toLowerCase() === name)
      values.push(headers[i + 1]!);
  }
  return values;
}
