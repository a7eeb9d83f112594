/** Token streams as providers send them: shapes of test/fixtures, with text, padding and numbers that differ in every event. */

/** A stream and what a tap must say of it. */
export interface TokenStream {
  readonly name: string;
  readonly path: string;
  readonly events: readonly string[];
  /** Events with text in them; the usage block at the end reports as many output tokens. */
  readonly deltas: number;
}

type Random = () => number;
/** The text of one delta, as it stands between the quotes. */
type Text = (random: Random) => string;

const EVENTS = 4000;
const USAGE = `{"prompt_tokens":5,"completion_tokens":${EVENTS},"total_tokens":${EVENTS + 5}}`;

/** Lehmer's generator: the same stream in every run and on every runtime. */
function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const LETTERS = "etaoinshrdlucmfwypvbgkjqxz";
const letter = (random: Random) => LETTERS[Math.floor(random() ** 2 * LETTERS.length)];
const letters = (count: number, random: Random) =>
  Array.from({ length: count }, () => letter(random)).join("");
const digits = (count: number, random: Random) =>
  Array.from({ length: count }, () => Math.floor(random() * 10)).join("");

/** Prose: a word with its blank, at times a mark, a line end or a quote. */
const prose: Text = (random) => {
  const kind = random();
  if (kind < 0.06) return ",";
  if (kind < 0.09) return ".\\n\\n";
  if (kind < 0.11) return ` \\"${letters(3, random)}`;
  if (kind < 0.14) return ` caf\u00e9${letters(2, random)}`;
  return ` ${letters(1 + Math.floor(random() * 9), random)}`;
};
/** JSON in a string, as tool arguments come. */
const args: Text = (random) => (random() < 0.4 ? `\\",\\"${letters(5, random)}\\":` : prose(random));
/** A script outside Latin, raw and as servers write it that escape all but ASCII. */
const hanzi: Text = (random) => String.fromCharCode(0x4e00 + Math.floor(random() * 0x5000)).repeat(2);
const escaped: Text = (random) => `\\u${(0x4e00 + Math.floor(random() * 0x5000)).toString(16)}`;

const padding = (random: Random) =>
  Array.from({ length: Math.floor(random() * 16) }, () =>
    random() < 0.3 ? digits(1, random) : letter(random),
  ).join("");

interface Shape {
  readonly name: string;
  readonly path: string;
  readonly text?: Text;
  readonly delta: (text: string, random: Random, index: number) => string;
  readonly end: readonly string[];
}

function streamOf({ name, path, text = prose, delta, end }: Shape): TokenStream {
  const random = createRandom(17);
  const events = Array.from({ length: EVENTS }, (_, i) => delta(text(random), random, i));
  return { name, path, events: [...events, ...end], deltas: EVENTS };
}

const data = (json: string) => `data: ${json}\n\n`;
const named = (json: string) => `event: ${/"type":"([^"]*)"/.exec(json)?.[1]}\n${data(json)}`;

const CHAT = "/v1/chat/completions";
const CHAT_HEAD =
  '"id":"chatcmpl-CyQ3hPg8WBjBYH9j4EkbxMGwPp4E","object":"chat.completion.chunk","created":1768640420,"model":"gpt-5-mini-2025-08-07","service_tier":"default","system_fingerprint":null';
const openAiChat = (delta: string, random: Random, index = 0) =>
  data(
    `{${CHAT_HEAD},"choices":[{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"${padding(random)}"}`,
  );
const CHAT_END = [data(`{${CHAT_HEAD},"choices":[],"usage":${USAGE},"obfuscation":""}`), data("[DONE]")];

export const openAi: TokenStream = streamOf({
  name: "chat",
  path: CHAT,
  delta: (text, random) => openAiChat(`{"content":"${text}"}`, random),
  end: CHAT_END,
});

const MESSAGES_END = [
  named(`{"type":"message_delta","delta":{},"usage":{"input_tokens":5,"output_tokens":${EVENTS}}}`),
  named('{"type":"message_stop"}'),
];

const tokenShapes: readonly Shape[] = [
  {
    name: "chat, two choices and a tool call by turns",
    path: CHAT,
    text: args,
    delta: (text, random, i) =>
      i % 3 < 2
        ? openAiChat(`{"content":"${text}"}`, random, i % 3)
        : openAiChat(`{"tool_calls":[{"index":0,"function":{"arguments":"${text}"}}]}`, random, 2),
    end: CHAT_END,
  },
  {
    name: "chat, Chinese",
    path: CHAT,
    text: hanzi,
    delta: (text, random) => openAiChat(`{"content":"${text}"}`, random),
    end: CHAT_END,
  },
  {
    name: "chat, Chinese in escapes",
    path: CHAT,
    text: escaped,
    delta: (text, random) => openAiChat(`{"content":"${text}"}`, random),
    end: CHAT_END,
  },
  {
    name: "chat, short events (Mistral)",
    path: CHAT,
    delta: (text, random) =>
      data(
        `{"id":"1fea139d097989f56136327ee17220f8","object":"chat.completion.chunk","created":1768641110,"model":"mistral-large-latest","choices":[{"index":0,"delta":{"content":"${text}"},"finish_reason":null}],"p":"${padding(random)}"}`,
      ),
    end: CHAT_END,
  },
  {
    name: "chat, text twice and token ids (Together)",
    path: CHAT,
    delta: (text, random) =>
      data(
        `{"id":"oCfxg3w-4Yz4kd-984c2d684c778f6d","object":"chat.completion.chunk","created":1768640905,"choices":[{"index":0,"text":"${text}","logprobs":null,"finish_reason":null,"seed":null,"delta":{"token_id":${1000 + Math.floor(random() * 90_000)},"role":"assistant","content":"${text}","tool_calls":null}}],"model":"Qwen/Qwen3-235B-A22B-Instruct-2507-tput","usage":null}`,
      ),
    end: CHAT_END,
  },
  {
    name: "messages",
    path: "/v1/messages",
    delta: (text, random) =>
      named(
        `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${text}"}${" ".repeat(random() * 16)}}`,
      ),
    end: MESSAGES_END,
  },
  {
    name: "messages, a tool's input",
    path: "/v1/messages",
    text: args,
    delta: (text, random) =>
      named(
        `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"${text}"}${" ".repeat(random() * 16)}}`,
      ),
    end: MESSAGES_END,
  },
  {
    name: "responses",
    path: "/v1/responses",
    delta: (text, random, i) =>
      named(
        `{"type":"response.output_text.delta","sequence_number":${i},"item_id":"msg_e4aaa16c20e1f666f63584513a377e91","output_index":0,"content_index":0,"delta":"${text}","logprobs":[],"obfuscation":"${padding(random)}"}`,
      ),
    end: [
      named(
        `{"type":"response.completed","response":{"model":"gpt","usage":{"input_tokens":5,"output_tokens":${EVENTS}}}}`,
      ),
    ],
  },
  {
    name: "chat, usage in every event (xAI)",
    path: CHAT,
    delta: (text, _, i) =>
      data(
        `{"id":"0f3b2c77-3a63-4b6b-9f1b-17d2b1c0f6a9","object":"chat.completion.chunk","created":1768641220,"model":"grok-2-1212","choices":[{"index":0,"delta":{"content":"${text}"}}],"usage":{"prompt_tokens":23,"completion_tokens":${i + 1},"total_tokens":${24 + i},"prompt_tokens_details":{"text_tokens":23,"audio_tokens":0,"image_tokens":0,"cached_tokens":0}},"system_fingerprint":"fp_3a7881249c"}`,
      ),
    end: CHAT_END,
  },
];

const oddShapes: readonly Shape[] = [
  {
    name: "chat, no two events alike",
    path: CHAT,
    delta: (text, random, i) =>
      openAiChat(`{"content":"${text}","m${i}":[{"a":${i},"b":"some words","c":null}]}`, random),
    end: CHAT_END,
  },
];

/** All but `openAi` whose events are alike but for their text, their padding and a few numbers. */
export const tokenStreams: readonly TokenStream[] = tokenShapes.map(streamOf);

/** Every event has to be parsed. */
export const oddStreams: readonly TokenStream[] = oddShapes.map(streamOf);
