/** The usage tap over token streams of 4,000 events, as each wire writes them, and what the filter before it adds. */
import { createUsageFilter } from "../../src/scan/usage-filter.ts";
import { createUsageTap } from "../../src/scan/usage-tap.ts";
import { wireOf } from "../../src/scan/wires.ts";
import { check, cut, type MicroBar, type MicroCase } from "./case.ts";

const EVENTS = 4000;
const TOKEN_STREAM: MicroBar = { atLeastMbPerSec: 800 };
const CHAT = "/v1/chat/completions";

const encoder = new TextEncoder();
const WORDS = ["Hello", " world", ",", " this is", " \\n\\n", " token", "s", " of a stream"];
const word = (i: number): string => WORDS[i % WORDS.length] ?? "";
const events = (write: (i: number) => string): string[] => Array.from({ length: EVENTS }, (_, i) => write(i));

const chatHead =
  '{"id":"chatcmpl-CyQ3hPg8WBjBYH9j4EkbxMGwPp4E","object":"chat.completion.chunk","created":1768640420,"model":"gpt-5-mini","service_tier":"default","system_fingerprint":null,';
const chatDelta = (i: number): string =>
  `data: ${chatHead}"choices":[{"index":0,"delta":{"content":"${word(i)}"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"${"x".repeat(i % 12)}"}\n\n`;
const chatEnd = [
  `data: ${chatHead}"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":${EVENTS},"total_tokens":${EVENTS + 5}}}\n\n`,
  "data: [DONE]\n\n",
];
const chat = [...events(chatDelta), ...chatEnd];
const unlike = (i: number): string =>
  chatDelta(i).replace('"usage"', `"m${i}":[{"a":${i},"b":"some words","c":null}],"usage"`);

const named = (data: string): string => `event: ${/"type":"([^"]*)"/.exec(data)?.[1]}\ndata: ${data}\n\n`;
const messages = [
  named('{"type":"message_start","message":{"model":"claude","usage":{"input_tokens":5,"output_tokens":1}}}'),
  ...events((i) =>
    named(
      `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${word(i)}"}${" ".repeat(i % 9)}}`,
    ),
  ),
  named(`{"type":"message_delta","delta":{},"usage":{"output_tokens":${EVENTS}}}`),
  named('{"type":"message_stop"}'),
];
const responses = [
  ...events((i) =>
    named(
      `{"type":"response.output_text.delta","sequence_number":${i},"item_id":"msg_e4aaa16c20e1f666f63584513a377e91","output_index":0,"content_index":0,"delta":"${word(i)}","logprobs":[],"obfuscation":"${"x".repeat(i % 12)}"}`,
    ),
  ),
  named(
    `{"type":"response.completed","response":{"model":"gpt","usage":{"input_tokens":5,"output_tokens":${EVENTS}}}}`,
  ),
];

const joined = (stream: readonly string[]): Uint8Array => encoder.encode(stream.join(""));
const eachAlone = (stream: readonly string[]): Uint8Array[] => stream.map((event) => encoder.encode(event));

export const tapCases = (): MicroCase[] => [
  tapping("chat, 64 KiB chunks", CHAT, cut(joined(chat), 65_536)),
  tapping("chat, 4 KiB chunks", CHAT, cut(joined(chat), 4096)),
  tapping("chat, a chunk an event", CHAT, eachAlone(chat)),
  tapping("messages, 4 KiB chunks", "/v1/messages", cut(joined(messages), 4096)),
  tapping("messages, a chunk an event", "/v1/messages", eachAlone(messages)),
  tapping("responses, 4 KiB chunks", "/v1/responses", cut(joined(responses), 4096)),
  tapping("responses, a chunk an event", "/v1/responses", eachAlone(responses)),
  withoutBar(tapping("chat, 4 KiB chunks, filtered", CHAT, cut(joined(chat), 4096), true)),
  withoutBar(tapping("no two events alike", CHAT, cut(joined([...events(unlike), ...chatEnd]), 65_536))),
];

function tapping(name: string, path: string, chunks: readonly Uint8Array[], filtered = false): MicroCase {
  const run = (): void => {
    const tap = createUsageTap({ wire: wireOf(path), sse: true, status: 200 });
    const reader = filtered ? createUsageFilter(tap) : tap;
    for (const chunk of chunks) reader.push(chunk);
    reader.end();
    const { outputDeltas, usage, complete } = tap.result();
    check(outputDeltas === EVENTS && usage?.outputTokens === EVENTS && complete, name);
  };
  const bytes = chunks.reduce((total, { length }) => total + length, 0);
  return { name: `usage tap: ${name}`, run, bytes, bar: TOKEN_STREAM };
}

/** Not the token streams that the bar is about. */
const withoutBar = ({ bar: _, ...rest }: MicroCase): MicroCase => rest;
