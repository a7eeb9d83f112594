/** The two wires as table entries; nothing below asks which one it has. */
import { encodeAnthropic } from "./anthropic-request.ts";
import { createAnthropicDecoder } from "./anthropic-stream.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import { encodeOpenAi } from "./openai-request.ts";
import { createOpenAiDecoder } from "./openai-stream.ts";

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  anthropic: {
    name: "anthropic",
    encode: encodeAnthropic,
    createDecoder: createAnthropicDecoder,
    headers: (key) => ({ "x-api-key": key, "anthropic-version": "2023-06-01" }),
  },
  openai: {
    name: "openai",
    encode: encodeOpenAi,
    createDecoder: createOpenAiDecoder,
    headers: (key) => ({ authorization: `Bearer ${key}` }),
  },
};
