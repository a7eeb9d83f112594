/** What the benchmarks' provider answers. The harness reads the same counts back from the usage rows. */

/** Events of a stream, the usage event and the end mark aside. */
export const STREAM_EVENTS = 200;

/** What the provider reports as generated, by the kind of answer. */
export const OUTPUT_TOKENS = { json: 71, stream: STREAM_EVENTS } as const;

export type AnswerKind = keyof typeof OUTPUT_TOKENS;

/** Asks for a slow stream: the milliseconds between two of its events. */
export const GAP_HEADER = "x-bench-gap";

/**
 * An event of a slow stream says when it was written, in nanoseconds of the machine's monotonic clock (which all its processes
 * share), in the member that OpenAI fills with random text.
 */
export const SENT_AT = /"obfuscation":"(\d+)"/;

const CREATED = 1768640420;
const MODEL = "gpt-5-mini-2025-08-07";

export const JSON_ANSWER = Buffer.from(
  JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: CREATED,
    model: MODEL,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "A relay hands on what it is given. ".repeat(12) },
        finish_reason: "stop",
      },
    ],
    usage: usageOf(OUTPUT_TOKENS.json),
  }),
);

const WORDS = [" token", " of", " a", " stream", ",", " as", " models", " write", " them", ".\n\n"];
const NOISE = "Fa57K97pMjQ2";

/** As OpenAI writes them, about 270 bytes each. No two neighbours alike: equal ones would flatter what remembers lines. */
export const EVENTS = Array.from({ length: STREAM_EVENTS }, (_, i) =>
  event(deltaOf(WORDS[i % WORDS.length] ?? "", NOISE.slice(i % NOISE.length))),
);

export const timedDelta = (sentAt: bigint): Buffer => event(deltaOf(" token", String(sentAt)));

export const USAGE_EVENT = event({ ...chunk(), choices: [], usage: usageOf(OUTPUT_TOKENS.stream) });

export const DONE = Buffer.from("data: [DONE]\n\n");

/** A whole stream, and one without the answer to a question that the client did not ask (gateway.md §6). */
export const STREAM_ANSWERS = [
  Buffer.concat([...EVENTS, USAGE_EVENT, DONE]),
  Buffer.concat([...EVENTS, DONE]),
];

function deltaOf(content: string, obfuscation: string): object {
  const choices = [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }];
  return { ...chunk(), choices, usage: null, obfuscation };
}

function chunk(): object {
  return {
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: CREATED,
    model: MODEL,
    service_tier: "default",
    system_fingerprint: null,
  };
}

function usageOf(outputTokens: number): object {
  return {
    prompt_tokens: 58,
    completion_tokens: outputTokens,
    total_tokens: 58 + outputTokens,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

function event(payload: object): Buffer {
  return Buffer.from(`data: ${JSON.stringify(payload)}\n\n`);
}
