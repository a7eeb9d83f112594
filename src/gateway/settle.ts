/** Turns what an exchange saw into its row: the outcome, and counts that are reported, estimated or absent. */
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
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
}

/** UTF-8 bytes of text a token, chosen so that estimates err low. */
const BYTES_PER_INPUT_TOKEN = 5;
const BYTES_PER_OUTPUT_TOKEN = 4.5;

export function buildRow(plan: Plan, { key }: ManagedPlan, facts: Facts): UsageRow {
  return {
    target: "ai.usage",
    timestamp: new Date(facts.endedAt).toISOString(),
    request_id: plan.requestId,
    tenant_id: key.tenantId,
    vpc_id: key.vpcId,
    ...(key.keyId !== undefined && { key_id: key.keyId }),
    kid: key.kid,
    ...summarize(plan, facts),
  };
}

export function summarize(plan: Plan, facts: Facts): RequestSummary {
  const { tap, request } = facts;
  const { source, counts } = measure(plan.managed?.billed ?? false, facts);
  const model = tap?.model ?? request.model;
  return {
    provider: plan.provider.name,
    dialect: plan.dialect,
    path: plan.path,
    ...(model !== undefined && { model }),
    ...(request.model !== undefined && { requested_model: request.model }),
    stream: facts.streamed,
    ...(facts.status !== undefined && { status: facts.status }),
    outcome: outcomeOf(facts),
    usage_source: source,
    ...rowCounts(counts),
    ...usageMembers(tap?.usageText),
    ...(tap?.serviceTier !== undefined && { service_tier: tap.serviceTier }),
    ...(tap?.responseId !== undefined && { response_id: tap.responseId }),
    ...(facts.ttftMs !== undefined && { ttft_ms: facts.ttftMs }),
    latency_ms: facts.latencyMs,
    request_bytes: request.bytes,
    response_bytes: facts.responseBytes,
  };
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
  // A body that the tap could not read (an unknown encoding) says nothing about its length in tokens.
  const readable = tap !== undefined || status === undefined;
  if (!billed || !request.complete || !request.scanned || !mayBeBilled || !readable) {
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

/** The counts of a usage block by the names of the row, with the kinds that `ai_tokens_total` counts. */
type RowCount = Extract<keyof UsageRow, `${string}_tokens`>;

const COUNTS: readonly (readonly [from: keyof UsageCounts, to: RowCount, kind: string | undefined])[] = [
  ["inputTokens", "input_tokens", "input"],
  ["outputTokens", "output_tokens", "output"],
  ["cacheReadTokens", "cache_read_tokens", "cache_read"],
  ["cacheWriteTokens", "cache_write_tokens", "cache_write"],
  ["cacheWrite1hTokens", "cache_write_1h_tokens", undefined],
  ["reasoningTokens", "reasoning_tokens", "reasoning"],
];

function rowCounts(counts: UsageCounts | undefined): Partial<UsageRow> {
  const members: { -readonly [name in RowCount]?: number } = {};
  for (const [from, to] of COUNTS) {
    const count = counts?.[from];
    if (count !== undefined) members[to] = count;
  }
  return members;
}

/** Counts what a provider reported; estimates are for the row alone. */
export function countTokens(
  { tokens, providerTokens }: Metrics,
  provider: string,
  usage: UsageCounts | undefined,
): void {
  if (!usage) return;
  for (const [from, , kind] of COUNTS) {
    const count = usage[from];
    if (kind === undefined || !count) continue;
    tokens.add(count, kind);
    providerTokens.add(count, provider, kind);
  }
}

function usageMembers(text: string | undefined): Partial<UsageRow> {
  return text === undefined ? {} : { usage: JSON.parse(text), [USAGE_TEXT]: text };
}
