/** Every refusal of the gateway: one row a code, and the only place that turns a code into a status and a body. */
import type { Dialect } from "../config/providers.ts";
import type { HeaderList } from "./ports.ts";

export type { Dialect };

export type ErrorCode =
  | "draining"
  | "overloaded"
  | "unknown_provider"
  | "missing_key"
  | "upgrade_not_supported"
  | "rate_limited"
  | "byo_rate_limited"
  | "body_too_large"
  | "invalid_key"
  | "spend_denied"
  | "access_denied"
  | "endpoint_not_allowed"
  | "method_not_allowed"
  | "unsupported_encoding"
  | "not_metered"
  | "no_pool_key"
  | "circuit_open"
  | "upstream_unreachable"
  | "upstream_timeout"
  | "internal_error";

interface ErrorRow {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  /** The `code` on the wire, where it is not the row's own name. */
  readonly code?: ErrorCode;
  /** What a stock SDK is told: wait (`retry-after`), give up (`x-should-retry: false`), or neither. */
  readonly retry?: "after" | "never";
}

const ERRORS: Readonly<Record<ErrorCode, ErrorRow>> = {
  draining: {
    status: 503,
    type: "overloaded_error",
    retry: "after",
    message: "This gateway is shutting down. Retry: another instance will answer.",
  },
  overloaded: {
    status: 503,
    type: "overloaded_error",
    retry: "after",
    message: "This gateway holds as many bytes as it may. Retry in a moment.",
  },
  unknown_provider: {
    status: 404,
    type: "not_found_error",
    retry: "never",
    message:
      "No such provider. Begin the path with /v1, or with a provider's name as in /openai/v1/chat/completions.",
  },
  missing_key: {
    status: 401,
    type: "authentication_error",
    retry: "never",
    message: "No API key. Send a virtual key or your own provider key, as `Authorization: Bearer KEY`.",
  },
  upgrade_not_supported: {
    status: 501,
    type: "invalid_request_error",
    retry: "never",
    message: "Protocol upgrades (WebSocket and the like) are not supported. Send an ordinary HTTP request.",
  },
  rate_limited: {
    status: 429,
    type: "rate_limit_error",
    retry: "after",
    message: "Too many requests with this key. Slow down and retry.",
  },
  byo_rate_limited: {
    status: 429,
    type: "rate_limit_error",
    retry: "after",
    message: "Too many requests with provider keys through this gateway. Slow down and retry.",
  },
  body_too_large: {
    status: 413,
    type: "request_too_large",
    retry: "never",
    message: "The request body is larger than this gateway allows. Send a smaller one.",
  },
  invalid_key: {
    status: 401,
    type: "authentication_error",
    retry: "never",
    message:
      "The virtual key is not valid here. Send exactly one key; ask its issuer for a new one if it persists.",
  },
  spend_denied: {
    status: 402,
    type: "billing_error",
    retry: "never",
    message: "This key's spending limit is reached. Raise the limit or wait for the next period.",
  },
  access_denied: {
    status: 403,
    type: "permission_error",
    retry: "never",
    message: "This key is blocked. Ask its issuer.",
  },
  endpoint_not_allowed: {
    status: 404,
    type: "not_found_error",
    retry: "never",
    message:
      "A virtual key does not reach this endpoint. Use a generation endpoint, or your own provider key.",
  },
  method_not_allowed: {
    code: "endpoint_not_allowed",
    status: 405,
    type: "invalid_request_error",
    retry: "never",
    message:
      "A virtual key does not reach this endpoint with this method. Use one that the `allow` header names.",
  },
  unsupported_encoding: {
    status: 415,
    type: "invalid_request_error",
    retry: "never",
    message: "A virtual key needs a request body that can be read: send UTF-8 without content-encoding.",
  },
  not_metered: {
    status: 400,
    type: "invalid_request_error",
    retry: "never",
    message: "`background: true` cannot be metered. Send the request without it.",
  },
  no_pool_key: {
    status: 503,
    type: "api_error",
    retry: "never",
    message: "This gateway has no key for the provider. The operator sets one under [pool_keys].",
  },
  circuit_open: {
    status: 503,
    type: "overloaded_error",
    retry: "after",
    message: "The provider has been failing and is given a pause. Retry in a moment.",
  },
  upstream_unreachable: {
    status: 502,
    type: "api_error",
    message: "The provider could not be reached. Retry.",
  },
  upstream_timeout: {
    status: 504,
    type: "api_error",
    retry: "never",
    message: "The provider sent no answer in time. It may still be at work on the request.",
  },
  internal_error: {
    status: 500,
    type: "api_error",
    message: "The gateway failed. Retry; tell the operator if it persists.",
  },
};

/** A decision not to relay, as plain values. */
export interface Refusal {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly dialect: Dialect;
  readonly requestId: string;
  /** Whole seconds, at most 5, for the codes that a retry can mend. */
  readonly retryAfterSecs?: number;
  /** Methods for a 405. */
  readonly allow?: string;
}

/** A refusal as it goes to the client. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: string;
}

/** The `code` a refusal carries on the wire and in `ai_rejections_total{reason}`. */
export function wireCode(code: ErrorCode): string {
  return ERRORS[code].code ?? code;
}

/** Status, headers and body of a refusal, in the dialect that the client speaks. */
export function errorResponse(refusal: Refusal): ErrorResponse {
  const row = ERRORS[refusal.code];
  const code = wireCode(refusal.code);
  const { type, message } = row;
  const body =
    refusal.dialect === "anthropic"
      ? { type: "error", error: { type, message, code }, request_id: refusal.requestId }
      : { error: { message, type, param: null, code } };
  const headers = ["content-type", "application/json", "x-beyond-request-id", refusal.requestId];
  if (row.retry === "after") headers.push("retry-after", String(refusal.retryAfterSecs ?? 1));
  if (row.retry === "never") headers.push("x-should-retry", "false");
  if (refusal.allow !== undefined) headers.push("allow", refusal.allow);
  return { status: row.status, headers, body: JSON.stringify(body) };
}
