/** A collector for tests: takes OTLP/HTTP with JSON, and keeps spans and log records as plain values. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Collected {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly traceState: string | undefined;
  readonly kind: number;
  /** 2 is an error. */
  readonly status: number | undefined;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface CollectedRecord {
  readonly eventName: string;
  readonly body: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface Collector {
  readonly url: string;
  readonly spans: Collected[];
  readonly records: CollectedRecord[];
  readonly requests: {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  }[];
  /** The status it answers with. */
  status: number;
  close(): void;
}

/** The parts of the OTLP JSON encoding (opentelemetry-proto 1.x) that are looked at. */
interface Value {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}
interface WireItem {
  readonly name: string;
  readonly eventName: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly kind: number;
  readonly status?: { readonly code?: number };
  readonly body?: Value;
  readonly attributes: readonly { readonly key: string; readonly value: Value }[];
}
interface Export {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly WireItem[] }[];
  }[];
  readonly resourceLogs?: readonly {
    readonly scopeLogs: readonly { readonly logRecords: readonly WireItem[] }[];
  }[];
}

export async function startCollector(): Promise<Collector> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString("utf8");
    collector.requests.push({ path: request.url ?? "", headers: request.headers, body });
    response.writeHead(collector.status, { "content-type": "application/json" }).end("{}");
    if (collector.status === 200) keep(JSON.parse(body));
  });
  const keep = ({ resourceSpans = [], resourceLogs = [] }: Export): void => {
    const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    const records = resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap((scope) => scope.logRecords));
    collector.spans.push(...spans.map(spanOf));
    collector.records.push(...records.map(recordOf));
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // a TCP server, so never a pipe's string
  const collector: Collector = {
    url: `http://127.0.0.1:${port}`,
    spans: [],
    records: [],
    requests: [],
    status: 200,
    close: () => void server.close().closeAllConnections(),
  };
  return collector;
}

function spanOf({
  name,
  traceId,
  spanId,
  parentSpanId,
  traceState,
  kind,
  status,
  attributes,
}: WireItem): Collected {
  return {
    name,
    traceId,
    spanId,
    // Absent and empty mean the same in proto3.
    parentSpanId: parentSpanId || undefined,
    traceState: traceState || undefined,
    kind,
    status: status?.code,
    attributes: attributesOf(attributes),
  };
}

function recordOf({ eventName, traceId, spanId, body, attributes }: WireItem): CollectedRecord {
  return { eventName, traceId, spanId, body: body?.stringValue ?? "", attributes: attributesOf(attributes) };
}

function attributesOf(attributes: WireItem["attributes"]): Record<string, string | number | boolean> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain({ stringValue, intValue, doubleValue, boolValue }: Value): string | number | boolean {
  return stringValue ?? doubleValue ?? boolValue ?? Number(intValue);
}
