/**
 * The embedded provider: plays OpenAI and Anthropic behind a Web-standard fetch handler, without a network or a model.
 * `beyond-ai dev`, the demo and the tests all use this one.
 */
import { countTokens, messages } from "./anthropic-messages.ts";
import { badRequest, errorResponse, ProviderError, requestIdHeader, type Vendor } from "./errors.ts";
import { isObject, type JsonObject } from "./json.ts";
import { getModel, listModels } from "./models.ts";
import { type Answer, chatCompletions, completions } from "./openai-chat.ts";
import { embeddings } from "./openai-embeddings.ts";
import { responses, responsesInputTokens } from "./openai-responses.ts";
import { sseResponse } from "./sse.ts";

/** What the embedded provider checks. */
export interface EmbeddedProviderOptions {
  /** The API key that it accepts, as `authorization: Bearer` or `x-api-key`. Left out: any key, or none. */
  readonly apiKey?: string;
}

/** One endpoint: the wire whose errors it speaks, and the answer to a JSON body. */
interface Endpoint {
  readonly vendor: Vendor;
  readonly answer: (body: JsonObject) => Answer;
}

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/chat/completions": { vendor: "openai", answer: chatCompletions },
  "/completions": { vendor: "openai", answer: completions },
  "/responses": { vendor: "openai", answer: responses },
  "/responses/input_tokens": { vendor: "openai", answer: responsesInputTokens },
  "/embeddings": { vendor: "openai", answer: (body) => ({ json: embeddings(body) }) },
  "/messages": { vendor: "anthropic", answer: messages },
  "/messages/count_tokens": { vendor: "anthropic", answer: countTokens },
};

/** Everything up to a `v1` segment is a base path (`/v1`, `/openai/v1`, `/inference/v1`), so that it can play any provider. */
const BASE_PATH = /^(?:\/[^/]+)*?\/v1(?=\/)/;

/**
 * A fetch handler for `POST` chat/completions, completions, responses, responses/input_tokens, embeddings, messages and
 * messages/count_tokens, and `GET` models and models/{id}, below any base path that ends in `/v1`.
 * Never rejects: what the vendors refuse is answered with their status and error body.
 */
export function createEmbeddedProvider(
  options: EmbeddedProviderOptions = {},
): (request: Request) => Promise<Response> {
  return async function embeddedProvider(request) {
    const path = new URL(request.url).pathname.replace(BASE_PATH, "");
    const vendor = vendorOf(request, path);
    const requestId = `req_${crypto.randomUUID()}`;
    try {
      checkKey(request, vendor, options.apiKey);
      if (vendor === "anthropic") checkVersion(request);
      const answer = await route(request, vendor, path);
      const headers = requestIdHeader(vendor, requestId);
      return "json" in answer ? Response.json(answer.json, { headers }) : sseResponse(answer.events, headers);
    } catch (error) {
      return errorResponse(vendor, asProviderError(error), requestId);
    }
  };
}

async function route(request: Request, vendor: Vendor, path: string): Promise<Answer> {
  const endpoint = Object.hasOwn(ENDPOINTS, path) ? ENDPOINTS[path] : undefined;
  if (endpoint !== undefined && request.method === "POST") return endpoint.answer(await readJson(request));
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isRead && path === "/models") return { json: listModels(vendor) };
  if (isRead && path.startsWith("/models/")) {
    return { json: getModel(vendor, decodeModelId(path.slice("/models/".length))) };
  }
  if (vendor === "anthropic") throw new ProviderError(404, "not_found_error", "Not Found");
  throw new ProviderError(
    404,
    "invalid_request_error",
    `Invalid URL (${request.method} ${path})`,
    "unknown_url",
  );
}

function vendorOf({ headers }: Request, path: string): Vendor {
  if (Object.hasOwn(ENDPOINTS, path)) return ENDPOINTS[path]?.vendor ?? "openai";
  return headers.has("anthropic-version") ? "anthropic" : "openai";
}

function checkKey({ headers }: Request, vendor: Vendor, expected: string | undefined): void {
  if (expected === undefined) return;
  const given = headers.get("x-api-key") ?? /^bearer (.*)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (given === expected) return;
  if (vendor === "anthropic") throw new ProviderError(401, "authentication_error", "invalid x-api-key");
  throw new ProviderError(401, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key");
}

function checkVersion({ headers }: Request): void {
  if (!headers.has("anthropic-version")) throw badRequest("anthropic-version: header is required");
}

async function readJson(request: Request): Promise<JsonObject> {
  const body: unknown = await request.json().catch(() => undefined);
  if (isObject(body)) return body;
  throw badRequest("We could not parse the JSON body of your request: it must be a JSON object.");
}

function asProviderError(error: unknown): ProviderError {
  return error instanceof ProviderError
    ? error
    : new ProviderError(500, "api_error", "The embedded provider failed.");
}

function decodeModelId(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
