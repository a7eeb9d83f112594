/** Speed of the request scanner and the usage tap, in MB/s of body. Every input is checked for the right answer first. */
import { createRequestScanner } from "../../src/scan/request-scanner.ts";
import { createUsageFilter } from "../../src/scan/usage-filter.ts";
import { createUsageTap } from "../../src/scan/usage-tap.ts";
import { wireOf } from "../../src/scan/wires.ts";

interface Bench {
  readonly name: string;
  readonly body: Uint8Array;
  readonly chunkBytes: number;
  /** Throws if the answer is wrong. */
  readonly run: (chunks: readonly Uint8Array[]) => void;
}

const ROUNDS = 9;
const ROUND_MS = 120;
const encoder = new TextEncoder();
const times = (count: number, write: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join("");

function scanning(name: string, request: object): Bench {
  const body = encoder.encode(JSON.stringify({ ...request, model: "gpt" }));
  const run = (chunks: readonly Uint8Array[]) => {
    const scanner = createRequestScanner();
    for (const chunk of chunks) scanner.push(chunk);
    scanner.end();
    check(scanner.done && scanner.model === "gpt", name);
  };
  return { name: `model scanner: ${name}`, body, chunkBytes: 65_536, run };
}

interface Stream {
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly deltas: number;
  readonly chunkBytes?: number;
  readonly filtered?: boolean;
}

function tapping({ name, path, text, deltas, chunkBytes = 65_536, filtered = false }: Stream): Bench {
  const run = (chunks: readonly Uint8Array[]) => {
    const tap = createUsageTap({ wire: wireOf(path), sse: true, status: 200 });
    const reader = filtered ? createUsageFilter(tap) : tap;
    for (const chunk of chunks) reader.push(chunk);
    reader.end();
    const { outputDeltas, usage, complete } = tap.result();
    check(outputDeltas === deltas && usage?.outputTokens === deltas && complete, name);
  };
  return { name: `usage tap: ${name}`, body: encoder.encode(text), chunkBytes, run };
}

function check(isRight: boolean, name: string): void {
  if (!isRight) throw new Error(`wrong answer: ${name}`);
}

const EVENTS = 4000;
const WORDS = ["Hello", " world", ",", " this is", " \\n\\n", " token", "s", " of a stream"];
const word = (i: number) => WORDS[i % WORDS.length] ?? "";

const chatHead =
  '{"id":"chatcmpl-CyQ3hPg8WBjBYH9j4EkbxMGwPp4E","object":"chat.completion.chunk","created":1768640420,"model":"gpt-5-mini","service_tier":"default","system_fingerprint":null,';
const chatDelta = (i: number) =>
  `data: ${chatHead}"choices":[{"index":0,"delta":{"content":"${word(i)}"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"${"x".repeat(i % 12)}"}\n\n`;
const chatEnd = `data: ${chatHead}"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":${EVENTS},"total_tokens":${EVENTS + 5}}}\n\ndata: [DONE]\n\n`;
const chat = times(EVENTS, chatDelta) + chatEnd;
const event = (data: string) => `event: ${/"type":"([^"]*)"/.exec(data)?.[1]}\ndata: ${data}\n\n`;
const messages =
  event(
    '{"type":"message_start","message":{"model":"claude","usage":{"input_tokens":5,"output_tokens":1}}}',
  ) +
  times(EVENTS, (i) =>
    event(
      `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${word(i)}"}${" ".repeat(i % 9)}}`,
    ),
  ) +
  event(`{"type":"message_delta","delta":{},"usage":{"output_tokens":${EVENTS}}}`) +
  event('{"type":"message_stop"}');
const responses =
  times(EVENTS, (i) =>
    event(
      `{"type":"response.output_text.delta","sequence_number":${i},"item_id":"msg_e4aaa16c20e1f666f63584513a377e91","output_index":0,"content_index":0,"delta":"${word(i)}","logprobs":[],"obfuscation":"${"x".repeat(i % 12)}"}`,
    ),
  ) +
  event(
    `{"type":"response.completed","response":{"model":"gpt","usage":{"input_tokens":5,"output_tokens":${EVENTS}}}}`,
  );
const unlike = times(EVENTS, (i) =>
  chatDelta(i).replace('"usage"', `"m${i}":[{"a":${i},"b":"some words","c":null}],"usage"`),
);

const CHAT = "/v1/chat/completions";
const message = (i: number) => ({
  role: "user",
  content: `Hi there ${i}`,
  name: "bob",
  x: [1, 2, 3],
  y: { a: null, b: true },
});
const parameters = {
  type: "object",
  properties: { path: { type: "string" }, mode: { type: "string", enum: ["r", "w"] } },
};

const benches: readonly Bench[] = [
  scanning("one long string", { messages: [{ role: "user", content: "x".repeat(1 << 20) }] }),
  scanning("long prose with escapes", {
    messages: [{ role: "user", content: 'He said "go", and left.\nSo did she. '.repeat(1 << 15) }],
  }),
  scanning("dense messages", { messages: Array.from({ length: 8000 }, (_, i) => message(i)) }),
  scanning("dense numbers", { input: Array.from({ length: 20_000 }, (_, i) => [i, i * 2, i * 3.5]) }),
  scanning("tool schemas", {
    tools: Array.from({ length: 4000 }, (_, i) => ({
      type: "function",
      function: { name: `f${i}`, description: "does things", parameters },
    })),
  }),
  tapping({ name: "chat, 64 KiB chunks", path: CHAT, text: chat, deltas: EVENTS }),
  tapping({ name: "chat, 4 KiB chunks", path: CHAT, text: chat, deltas: EVENTS, chunkBytes: 4096 }),
  tapping({
    name: "chat, 4 KiB chunks, filtered",
    path: CHAT,
    text: chat,
    deltas: EVENTS,
    chunkBytes: 4096,
    filtered: true,
  }),
  tapping({ name: "messages, 64 KiB chunks", path: "/v1/messages", text: messages, deltas: EVENTS }),
  tapping({ name: "responses, 64 KiB chunks", path: "/v1/responses", text: responses, deltas: EVENTS }),
  tapping({ name: "chat, no two events alike", path: CHAT, text: unlike + chatEnd, deltas: EVENTS }),
];

for (const { name, body, chunkBytes, run } of benches) {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < body.length; i += chunkBytes) chunks.push(body.subarray(i, i + chunkBytes));
  const rates = Array.from({ length: ROUNDS }, () => rateOf(() => run(chunks), body.length)).sort(
    (a, b) => a - b,
  );
  console.log(`${name.padEnd(48)} ${(rates[ROUNDS >> 1] ?? 0).toFixed(0).padStart(6)} MB/s`);
}

/** Megabytes a second over one round. */
function rateOf(run: () => void, bytes: number): number {
  const start = performance.now();
  let done = 0;
  let elapsed = 0;
  do {
    run();
    done += bytes;
    elapsed = performance.now() - start;
  } while (elapsed < ROUND_MS);
  return done / elapsed / 1000;
}
