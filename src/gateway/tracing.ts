/** The port through which a request becomes a span. Nothing of it runs unless a runtime supplies it. */
import type { Plan } from "./admission.ts";
import type { RequestSummary, UsageRow } from "./row.ts";

/** Opens the span of an admitted request, a child of the client's own context (W3C Trace Context) if it sent one. */
export type StartSpan = (plan: Plan) => RequestSpan;

export interface RequestSpan {
  /** The headers of a managed request with the span as the provider's parent in place of the client's. */
  continueIn(headers: readonly string[]): string[];
  /** The request ended. `row` is absent for BYO. */
  end(summary: RequestSummary, row: UsageRow | undefined): void;
}
