/** The list of models, in both vendors' shapes. Any model name is served; these are merely shown. */
import { ProviderError, type Vendor } from "./errors.ts";
import type { JsonObject } from "./json.ts";

const MODELS: Readonly<Record<Vendor, readonly string[]>> = {
  openai: ["gpt-5-mini", "text-embedding-3-small"],
  anthropic: ["claude-haiku-4-5"],
};
const CREATED = "2026-01-01T00:00:00Z";

/** `GET /models`. */
export function listModels(vendor: Vendor): JsonObject {
  const data = MODELS[vendor].map((id) => modelObject(vendor, id));
  if (vendor === "openai") return { object: "list", data };
  return { data, has_more: false, first_id: data[0]?.id, last_id: data.at(-1)?.id };
}

/** `GET /models/{id}`; an unlisted id is the vendor's 404. */
export function getModel(vendor: Vendor, id: string): JsonObject {
  if (MODELS[vendor].includes(id)) return modelObject(vendor, id);
  if (vendor === "anthropic") throw new ProviderError(404, "not_found_error", `model: ${id}`);
  throw new ProviderError(
    404,
    "invalid_request_error",
    `The model '${id}' does not exist`,
    "model_not_found",
    "model",
  );
}

function modelObject(vendor: Vendor, id: string): JsonObject {
  if (vendor === "anthropic") return { type: "model", id, display_name: id, created_at: CREATED };
  return { id, object: "model", created: Date.parse(CREATED) / 1000, owned_by: "embedded" };
}
