/** A refusal on its way to the client: counted by its code, then spoken in the client's dialect. */
import { type ErrorResponse, errorResponse, type Refusal, wireCode } from "./errors.ts";
import type { GatewayState } from "./state.ts";

export function refuse({ metrics }: Pick<GatewayState, "metrics">, refusal: Refusal): ErrorResponse {
  metrics.rejections.add(1, wireCode(refusal.code));
  return errorResponse(refusal);
}

/** A fault of ours that no admitted request answers for. */
export function internalError(state: GatewayState): ErrorResponse {
  const requestId = state.nextRequestId();
  return refuse(state, { ok: false, code: "internal_error", dialect: "openai", requestId });
}
