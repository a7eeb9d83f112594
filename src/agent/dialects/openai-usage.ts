/** Token counts as the speakers of OpenAI's chat wire report them. */
import { asObject, type JsonObject } from "../json.ts";
import type { Usage } from "../types.ts";
import { count, noUsage } from "../usage.ts";

/** The usage that a chunk reports, if it does; Groq has a place of its own for it. */
export function chunkUsage(chunk: JsonObject): Usage | undefined {
  const reported = asObject(chunk.usage) ?? asObject(asObject(chunk.x_groq)?.usage);
  return reported && readUsage(reported);
}

/**
 * `prompt_tokens` includes what was read from and written to a cache. `completion_tokens` includes reasoning, unless the
 * total shows that reasoning was counted beside it (xAI).
 */
function readUsage(block: JsonObject): Usage {
  const promptDetails = asObject(block.prompt_tokens_details) ?? {};
  const prompt = count(block.prompt_tokens) ?? 0;
  const completion = count(block.completion_tokens) ?? 0;
  const total = count(block.total_tokens);
  const reasoning = count(asObject(block.completion_tokens_details)?.reasoning_tokens) ?? 0;
  const read =
    count(promptDetails.cached_tokens) ??
    count(block.prompt_cache_hit_tokens) ??
    count(block.cached_tokens) ??
    count(block.num_cached_tokens) ??
    0;
  const written = count(promptDetails.cache_write_tokens) ?? 0;
  const reasoningOutside = reasoning > 0 && total === prompt + completion + reasoning;
  return {
    ...noUsage,
    input_tokens: Math.max(0, prompt - read - written),
    output_tokens: reasoningOutside ? completion + reasoning : completion,
    cache_read_tokens: read,
    cache_write_tokens: written,
    reasoning_tokens: reasoning,
  };
}
