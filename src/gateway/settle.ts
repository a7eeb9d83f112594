/** Turns what an exchange saw into its row: the outcome, and counts that are reported, estimated or absent. */
import { containsVirtualKey } from "../keys/virtual-key.ts";
import type { UsageCounts } from "../scan/usage-block.ts";
import type { TapResult } from "../scan/usage-tap.ts";
import type { ManagedPlan, Plan } from "./admission.ts";
import type { Metrics } from "./metrics.ts";
import type { RequestBody } from "./request-body.ts";
import { type Outcome, type RequestSummary, USAGE_TEXT, type UsageRow, type UsageSource } from "./row.ts";

/** How an exchange ended. `refused`: while the body streamed in, before any head; such a request was never admitted. */
export type Ending =
  | "complete"
  | "client_gone"
  | "upstream_cut"
  | "upstream_unreachable"
  | "upstream_timeout"
  | "refused";

/** What the exchange saw, as plain values. */
export interface Facts {
  readonly ending: Ending;
  /** Undefined when the body could not be read. */
  readonly tap: TapResult | undefined;
  readonly status: number | undefined;
  readonly streamed: boolean;
  /** The body reached its protocol's own end. */
  readonly complete: boolean;
  /** The client left before that end was there. */
  readonly clientGone: boolean;
  readonly request: RequestBody;
  readonly responseBytes: number;
  readonly ttftMs: number | undefined;
  readonly latencyMs: number;
}

/** UTF-8 bytes of text a token, chosen so that estimates err low. */
const BYTES_PER_INPUT_TOKEN = 5;
const BYTES_PER_OUTPUT_TOKEN = 4.5;

/** @param timestamp when it ended, as the row has it */
export function buildRow(plan: Plan, { key }: ManagedPlan, facts: Facts, timestamp: string): UsageRow {
  const { tenantId, vpcId, keyId, kid } = key;
  const row: Draft<Omit<UsageRow, keyof RequestSummary>> = {
    target: "ai.usage",
    timestamp,
    request_id: plan.requestId,
    tenant_id: tenantId,
    vpc_id: vpcId,
    kid,
  };
  if (keyId !== undefined) row.key_id = keyId;
  return addSummary(row, plan, facts);
}

export const summarize = (plan: Plan, facts: Facts): RequestSummary => addSummary({}, plan, facts);

type Draft<T> = { -readonly [name in keyof T]: T[name] };

/** Member by member: to spread objects for those that may be absent costs three times as much. */
function addSummary<T extends object>(target: T, plan: Plan, facts: Facts): T & RequestSummary {
  // It is one once this function is through.
  const row = target as T & Draft<RequestSummary>;
  const { tap, request, status } = facts;
  const { source, counts } = measure(plan.managed?.billed ?? false, facts);
  const poolKeys = plan.managed?.poolKeys ?? [];
  const requestedModel =
    request.model === undefined ? undefined : (keyless(request.model, poolKeys) ?? "unknown");
  const model = keyless(tap?.model, poolKeys) ?? requestedModel;
  const usageText = keyless(tap?.usageText, poolKeys);
  const serviceTier = keyless(tap?.serviceTier, poolKeys);
  const responseId = keyless(tap?.responseId, poolKeys);
  row.provider = plan.provider.name;
  row.dialect = plan.dialect;
  row.path = plan.path;
  if (model !== undefined) row.model = model;
  if (requestedModel !== undefined) row.requested_model = requestedModel;
  row.stream = facts.streamed;
  if (status !== undefined) row.status = status;
  row.outcome = outcomeOf(facts);
  row.usage_source = source;
  if (counts) addCounts(row, counts);
  if (usageText !== undefined) {
    row.usage = tap?.usageValue;
    row[USAGE_TEXT] = usageText;
  }
  if (serviceTier !== undefined) row.service_tier = serviceTier;
  if (responseId !== undefined) row.response_id = responseId;
  if (facts.ttftMs !== undefined) row.ttft_ms = facts.ttftMs;
  row.latency_ms = facts.latencyMs;
  row.request_bytes = request.bytes;
  row.response_bytes = facts.responseBytes;
  return row;
}

/** Shorter ones are no vendor's, but stand for one in a test, and may stand in any text. */
const MIN_POOL_KEY_CHARS = 8;

/** Clients and providers choose these texts: one that repeats a key stays out of the row. */
function keyless(text: string | undefined, poolKeys: readonly string[]): string | undefined {
  if (text === undefined || containsVirtualKey(text)) return undefined;
  const isSecret = (key: string): boolean => key.length >= MIN_POOL_KEY_CHARS && text.includes(key);
  return poolKeys.some(isSecret) ? undefined : text;
}

function addCounts(row: Draft<RequestSummary>, counts: UsageCounts): void {
  if (counts.inputTokens !== undefined) row.input_tokens = counts.inputTokens;
  if (counts.outputTokens !== undefined) row.output_tokens = counts.outputTokens;
  if (counts.cacheReadTokens !== undefined) row.cache_read_tokens = counts.cacheReadTokens;
  if (counts.cacheWriteTokens !== undefined) row.cache_write_tokens = counts.cacheWriteTokens;
  if (counts.cacheWrite1hTokens !== undefined) row.cache_write_1h_tokens = counts.cacheWrite1hTokens;
  if (counts.reasoningTokens !== undefined) row.reasoning_tokens = counts.reasoningTokens;
}

function outcomeOf({ clientGone, ending, status, tap, complete }: Facts): Outcome {
  if (clientGone || (ending === "client_gone" && status === undefined)) return "client_cancelled";
  if (status === undefined || status >= 400 || tap?.error) return "upstream_error";
  return complete || tap?.complete ? "ok" : "cut_short";
}

interface Measured {
  readonly source: UsageSource;
  readonly counts: UsageCounts | undefined;
}

/** `billed`: the provider bills tokens here, so that a count that never came is estimated. */
function measure(billed: boolean, facts: Facts): Measured {
  const { tap, request, status } = facts;
  if (tap?.usage && isLastWord(tap)) return { source: "reported", counts: tap.usage };
  const outputTokens = tap ? estimateOutput(tap) : 0;
  if (tap?.usage?.inputTokens !== undefined)
    return { source: "partial", counts: { ...tap.usage, outputTokens } };
  const mayBeBilled = status === undefined || (status >= 200 && status < 300);
  // A body in an encoding that nobody here can read says nothing about its length in tokens.
  const readable = tap !== undefined || status === undefined;
  if (!billed || !request.complete || !request.isRead || !mayBeBilled || !readable) {
    return { source: "none", counts: undefined };
  }
  const inputTokens = Math.floor(request.textBytes / BYTES_PER_INPUT_TOKEN);
  return { source: "estimated", counts: { inputTokens, outputTokens } };
}

/** Some providers send counts along with the text: in a stream that was cut, those are behind what came after them. */
const isLastWord = ({ final, complete, textSinceUsage }: TapResult): boolean =>
  final && (complete || !textSinceUsage);

/** From the text that came; never below what the provider has said so far. */
function estimateOutput({ outputDeltas, outputTextBytes, usage }: TapResult): number {
  return Math.max(
    outputDeltas,
    Math.floor(outputTextBytes / BYTES_PER_OUTPUT_TOKEN),
    usage?.outputTokens ?? 0,
  );
}

/** Counts what a provider reported; estimates are for the row alone. */
export function countTokens(metrics: Metrics, provider: string, usage: UsageCounts | undefined): void {
  if (!usage) return;
  count(metrics, provider, "input", usage.inputTokens);
  count(metrics, provider, "output", usage.outputTokens);
  count(metrics, provider, "cache_read", usage.cacheReadTokens);
  count(metrics, provider, "cache_write", usage.cacheWriteTokens);
  count(metrics, provider, "reasoning", usage.reasoningTokens);
}

function count(
  { tokens, providerTokens }: Metrics,
  provider: string,
  kind: string,
  amount: number | undefined,
): void {
  if (!amount) return;
  tokens.add(amount, kind);
  providerTokens.add(amount, provider, kind);
}
