/** How the embedded provider says no: the error bodies and headers of OpenAI and Anthropic. */

/** The two families of wires that the embedded provider speaks. */
export type Vendor = "openai" | "anthropic";

/** A request that the vendor would refuse. `type` and `code` are the vendor's own words. */
export class ProviderError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;

  constructor(
    status: number,
    type: string,
    message: string,
    code: string | null = null,
    param: string | null = null,
  ) {
    super(message);
    this.name = "ProviderError";
    this.status = status;
    this.type = type;
    this.code = code;
    this.param = param;
  }
}

/** A 400 with the words both vendors use. `param` is sent by OpenAI alone. */
export function badRequest(message: string, param: string | null = null): ProviderError {
  return new ProviderError(400, "invalid_request_error", message, null, param);
}

/** The error as a vendor's answer: OpenAI `{error}`, Anthropic `{type:"error",error,request_id}`. */
export function errorResponse(vendor: Vendor, error: ProviderError, requestId: string): Response {
  const { status, type, code, param, message } = error;
  const body =
    vendor === "openai"
      ? { error: { message, type, param, code } }
      : { type: "error", error: { type, message }, request_id: requestId };
  return Response.json(body, { status, headers: requestIdHeader(vendor, requestId) });
}

/** OpenAI names its request id `x-request-id`, Anthropic `request-id`. */
export function requestIdHeader(vendor: Vendor, requestId: string): Record<string, string> {
  return { [vendor === "openai" ? "x-request-id" : "request-id"]: requestId };
}
