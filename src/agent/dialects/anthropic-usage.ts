/** Token counts as the Messages wire reports them, in `message_start` and again in `message_delta`. */
import { asObject, type JsonObject } from "../json.ts";
import type { Usage } from "../types.ts";
import { count } from "../usage.ts";

/** Later counts replace earlier ones member by member; a null or absent member keeps what was there. */
export function mergeUsage(before: Usage, block: JsonObject): Usage {
  return {
    input_tokens: count(block.input_tokens) ?? before.input_tokens,
    output_tokens: count(block.output_tokens) ?? before.output_tokens,
    cache_read_tokens: count(block.cache_read_input_tokens) ?? before.cache_read_tokens,
    cache_write_tokens: count(block.cache_creation_input_tokens) ?? before.cache_write_tokens,
    cache_write_1h_tokens:
      count(asObject(block.cache_creation)?.ephemeral_1h_input_tokens) ?? before.cache_write_1h_tokens,
    reasoning_tokens:
      count(asObject(block.output_tokens_details)?.thinking_tokens) ?? before.reasoning_tokens,
  };
}
