/** The two wires as table entries; nothing below asks which one it has. */
import { encodeAnthropic } from "./anthropic-request.ts";
import { AnthropicDecoder } from "./anthropic-stream.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import { encodeOpenAi } from "./openai-request.ts";
import { OpenAiDecoder } from "./openai-stream.ts";

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  anthropic: {
    name: "anthropic",
    encode: encodeAnthropic,
    createDecoder: () => new AnthropicDecoder(),
    headers: (key) => ({ "x-api-key": key, "anthropic-version": "2023-06-01" }),
  },
  openai: {
    name: "openai",
    encode: encodeOpenAi,
    createDecoder: () => new OpenAiDecoder(),
    headers: (key) => ({ authorization: `Bearer ${key}` }),
  },
};
