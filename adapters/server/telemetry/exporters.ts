/** Exporters over OTLP/HTTP with JSON, which say once on stderr that a collector fails and once that it is back. */
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Log } from "../../../src/gateway/ports.ts";

type Result = Parameters<Parameters<SpanExporter["export"]>[1]>[0];

/** `ExportResultCode.SUCCESS` of @opentelemetry/core, which is not ours to import. */
const SUCCESS = 0;

/** `endpoint`: the collector's base URL (`/v1/logs` and `/v1/traces` are below it); a user and password in it become a header. */
export function createExporters(
  endpoint: string,
  log: Log,
): { logs: LogRecordExporter; spans: SpanExporter } {
  const { base, headers } = splitCredentials(endpoint);
  const logs = new OTLPLogExporter({ url: `${base}/v1/logs`, headers });
  const spans = new OTLPTraceExporter({ url: `${base}/v1/traces`, headers });
  return {
    logs: reporting(logs, createReport("logs", log)),
    spans: reporting(spans, createReport("spans", log)),
  };
}

function splitCredentials(endpoint: string): { base: string; headers: Record<string, string> } {
  const url = new URL(endpoint);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const base = url.href.replace(/\/+$/, "");
  if (username === "" && password === "") return { base, headers: {} };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { base, headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
}

function createReport(what: string, log: Log): (result: Result) => void {
  let isFailing = false;
  return ({ code, error }) => {
    const failed = code !== SUCCESS;
    if (failed && !isFailing)
      log("warn", `${what} cannot be exported`, { error: error?.message ?? "unknown" });
    if (!failed && isFailing) log("info", `${what} are exported again`);
    isFailing = failed;
  };
}

interface Exporter<T> {
  export(items: T[], done: (result: Result) => void): void;
  shutdown(): Promise<void>;
  forceFlush(): Promise<void>;
}

function reporting<T>(exporter: Exporter<T>, report: (result: Result) => void): Exporter<T> {
  return {
    export: (items, done) =>
      exporter.export(items, (result) => {
        report(result);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
}
