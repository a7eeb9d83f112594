/** A request in the words of OpenTelemetry: the GenAI semantic conventions (1.3x), and `beyond.*` for what they lack. */
import type { Attributes } from "@opentelemetry/api";
import type { RequestSummary, UsageRow } from "../../../src/gateway/row.ts";

/** `gen_ai.operation.name` by the end of the path; other paths are named by their last segment. */
const OPERATIONS: readonly (readonly [suffix: string, operation: string])[] = [
  ["/chat/completions", "chat"],
  ["/completions", "text_completion"],
  ["/messages", "chat"],
  ["/responses", "chat"],
  ["/embeddings", "embeddings"],
];

/** `gen_ai.provider.name` where the conventions spell a provider otherwise than our table does. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = { mistral: "mistral_ai", xai: "x_ai" };

export function operationOf(path: string): string {
  const known = OPERATIONS.find(([suffix]) => path.endsWith(suffix));
  return known?.[1] ?? path.slice(path.lastIndexOf("/") + 1);
}

/** What is known when the request goes up. `authority` is `host:port`. */
export function startAttributes(provider: string, authority: string, path: string): Attributes {
  const colon = authority.lastIndexOf(":");
  return {
    "gen_ai.operation.name": operationOf(path),
    "gen_ai.provider.name": Object.hasOwn(PROVIDER_NAMES, provider) ? PROVIDER_NAMES[provider] : provider,
    "server.address": authority.slice(0, colon).replace(/^\[|\]$/g, ""),
    "server.port": Number(authority.slice(colon + 1)),
  };
}

/** What is known when the request has ended. Absent is not zero here either. `row` is undefined for BYO. */
export function endAttributes(summary: RequestSummary, row: UsageRow | undefined): Attributes {
  return present({
    "gen_ai.request.model": summary.requested_model,
    "gen_ai.response.model": isServed(summary) ? summary.model : undefined,
    "gen_ai.response.id": summary.response_id,
    "gen_ai.response.time_to_first_chunk": summary.ttft_ms === undefined ? undefined : summary.ttft_ms / 1000,
    "gen_ai.usage.input_tokens": summary.input_tokens,
    "gen_ai.usage.output_tokens": summary.output_tokens,
    "gen_ai.usage.cache_read.input_tokens": summary.cache_read_tokens,
    "gen_ai.usage.cache_creation.input_tokens": summary.cache_write_tokens,
    "gen_ai.usage.reasoning.output_tokens": summary.reasoning_tokens,
    "http.response.status_code": summary.status,
    "error.type": errorType(summary),
    "beyond.outcome": summary.outcome,
    "beyond.usage_source": summary.usage_source,
    // Ids are u64, which an OTLP integer cannot hold: they are text.
    "beyond.request_id": row?.request_id,
    "beyond.tenant_id": row?.tenant_id,
    "beyond.vpc_id": row?.vpc_id,
    "beyond.key_id": row?.key_id,
  });
}

function present(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

const isServed = ({ status }: RequestSummary): boolean => status !== undefined && status < 400;

/** The status where it tells, else how the request failed; undefined for one that did not. */
function errorType({ outcome, status }: RequestSummary): string | undefined {
  if (outcome === "ok") return undefined;
  return outcome === "upstream_error" && status !== undefined && status >= 400 ? String(status) : outcome;
}
