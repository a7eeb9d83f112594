/** Reads the providers' many error shapes (an error status, an error document, or an error event inside a 200). */
import { ModelError } from "../errors.ts";
import { asObject, asString, isObject, type JsonObject, parseJson } from "../json.ts";
import { isRetryableStatus } from "../retry.ts";

/** What an error body says; members that it does not carry are absent. */
interface ErrorBody {
  readonly message: string;
  readonly type?: string;
  readonly code?: string;
}

const maxMessageChars = 2_000;

/** `{error:{…}}`, `{error:"…"}`, a flat `{message,type,code}`, `{code,error}` (xAI) or `{detail}` (Mistral), else undefined. */
export function readErrorBody(value: unknown): ErrorBody | undefined {
  const root = asObject(value);
  if (!root) return undefined;
  const inner = root.error;
  if (typeof inner === "string" && inner !== "") return describe(inner, root);
  if (isObject(inner)) return describe(inner.message ?? inner.type ?? inner, inner);
  if (inner !== undefined && inner !== null && inner !== "" && inner !== false) return describe(inner, root);
  const flat = root.message ?? root.detail;
  if (flat !== undefined && root.choices === undefined && root.type !== "message_start") {
    return describe(flat, root);
  }
  return undefined;
}

function describe(message: unknown, from: JsonObject): ErrorBody {
  const text = (typeof message === "string" ? message : JSON.stringify(message)).slice(0, maxMessageChars);
  const code = typeof from.code === "number" ? String(from.code) : asString(from.code);
  const type = asString(from.type);
  return { message: text, ...(type && { type }), ...(code && { code }) };
}

const quotaCodes = new Set([
  "insufficient_quota",
  "billing_error",
  "billing_not_active",
  "billing_hard_limit_reached",
  "quota_exceeded",
  "spend_denied",
  "access_denied",
]);
const quotaText =
  /exceeded your current quota|insufficient (quota|credits|balance|funds)|credit balance is too low/i;

/** The account's money or allowance is used up: waiting does not help. */
export function isQuotaError(body: ErrorBody): boolean {
  return quotaCodes.has(body.code ?? "") || quotaCodes.has(body.type ?? "") || quotaText.test(body.message);
}

const overflowCodes = new Set(["context_length_exceeded", "request_too_large", "body_too_large"]);
const overflowText =
  /prompt is too long|context[ _-]?(length|window)|maximum context|exceed context limit|too many (input )?tokens|input is too long/i;

/** The request was larger than the model's window. */
export function isContextOverflow(status: number | undefined, body: ErrorBody): boolean {
  if (overflowCodes.has(body.code ?? "") || overflowCodes.has(body.type ?? "")) return true;
  return (
    (status === undefined || status === 400 || status === 413 || status === 422) &&
    overflowText.test(body.message)
  );
}

const mendable = new Set([
  "overloaded_error",
  "api_error",
  "rate_limit_error",
  "timeout_error",
  "server_error",
  "rate_limit_exceeded",
  "internal_server_error",
  "service_unavailable",
]);

/** An error that came inside a 200. Codes may be HTTP statuses (OpenRouter, Cerebras) or words. */
export function inBandError(value: unknown): ModelError | undefined {
  const body = readErrorBody(value);
  if (!body) return undefined;
  const root = asObject(value);
  const number = Number(root?.status_code ?? body.code);
  const status = Number.isInteger(number) && number >= 400 && number <= 599 ? number : undefined;
  const retryable =
    !isQuotaError(body) &&
    (status === undefined
      ? mendable.has(body.type ?? "") || mendable.has(body.code ?? "") || (!body.type && !body.code)
      : isRetryableStatus(status));
  return new ModelError(body.code ?? body.type ?? "upstream_error", body.message, {
    retryable,
    contextOverflow: isContextOverflow(status, body),
    ...(status !== undefined && { status }),
  });
}

/** Parses one event's data. Throws what an error event says; for garbage, an error that another attempt may mend. */
export function parseEvent(data: string): JsonObject {
  const value = parseJson(data);
  if (!isObject(value)) {
    throw new ModelError("bad_stream", "the model's stream carried an event that is not a JSON object", {
      retryable: true,
    });
  }
  const error = inBandError(value);
  if (error) throw error;
  return value;
}
