import type { MessageCreateParamsStreaming } from "@anthropic-ai/sdk/resources/messages";
import fc from "fast-check";
import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import { describe, expect, it } from "vitest";
import { encodeAnthropic } from "../../../src/agent/dialects/anthropic-request.ts";
import { encodeOpenAi } from "../../../src/agent/dialects/openai-request.ts";
import type { Block, Message, ModelRequest } from "../../../src/agent/index.ts";
import { problemWithMessages } from "../../support/strict-anthropic.ts";
import { problemWithChat } from "../../support/strict-openai.ts";
import { signatureOf } from "../../support/strict-provider.ts";

const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } } as const;

function request(messages: readonly Message[], more: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: "m",
    system: "be brief",
    messages,
    tools: [
      { name: "a", description: "first", input_schema: { type: "object" } },
      { name: "b", description: "second", input_schema: { type: "object" } },
    ],
    signal: AbortSignal.timeout(60_000),
    ...more,
  };
}

const conversation: Message[] = [
  { role: "user", content: [{ type: "text", text: "look" }] },
  {
    role: "assistant",
    model_id: "m",
    content: [
      { type: "thinking", thinking: "hm", signature: signatureOf("hm") },
      { type: "text", text: "looking" },
      { type: "tool_use", id: "t1", name: "a", input: { x: 1 } },
      { type: "tool_use", id: "t2", name: "b", input: {} },
    ],
  },
  {
    role: "user",
    content: [
      { type: "text", text: "faster" },
      { type: "tool_result", tool_use_id: "t2", content: "two", is_error: true },
      { type: "tool_result", tool_use_id: "t1", content: "one", is_error: false, images: [image] },
    ],
  },
];

describe("an Anthropic request", () => {
  it("has the system block, the results first and in call order, thinking with its signature, images in the result", () => {
    const cache_control = { type: "ephemeral" } as const;
    // Typed by the vendor's own SDK: what the encoder writes is what the SDK would let a caller write.
    const expected: MessageCreateParamsStreaming = {
      model: "m",
      max_tokens: 16_384 + 2_048,
      stream: true,
      thinking: { type: "enabled", budget_tokens: 2_048 },
      output_config: { effort: "low" },
      system: [{ type: "text", text: "be brief", cache_control }],
      tools: [
        { name: "a", description: "first", input_schema: { type: "object" } },
        { name: "b", description: "second", input_schema: { type: "object" }, cache_control },
      ],
      messages: [
        { role: "user", content: [{ type: "text", text: "look" }] },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: signatureOf("hm") },
            { type: "text", text: "looking" },
            { type: "tool_use", id: "t1", name: "a", input: { x: 1 } },
            { type: "tool_use", id: "t2", name: "b", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "t1",
              content: [{ type: "text", text: "one" }, image],
              is_error: false,
            },
            {
              type: "tool_result",
              tool_use_id: "t2",
              content: [{ type: "text", text: "two" }],
              is_error: true,
            },
            { type: "text", text: "faster", cache_control },
          ],
        },
      ],
    };
    expect(
      encodeAnthropic(request(conversation, { thinking_budget: 2_048, reasoning_effort: "low" })),
    ).toEqual(expected);
  });

  it("marks the last tool, the system and the last block of the last message for the cache, and nothing else", () => {
    const body = JSON.stringify(encodeAnthropic(request(conversation)));
    expect(body.match(/cache_control/g)).toHaveLength(3);
    expect(body).toMatch(/"name":"b".{0,80}cache_control/);
  });

  it("leaves out thinking that is unsigned or was signed by another model", () => {
    const thought = (signature: string, model_id: string): Message => ({
      role: "assistant",
      model_id,
      content: [
        { type: "thinking", thinking: "x", signature },
        { type: "text", text: "t" },
      ],
    });
    const user = conversation[0]!;
    const body = encodeAnthropic(request([user, thought("", "m"), user, thought("sig", "other"), user]));
    expect(JSON.stringify(body)).not.toContain("thinking");
  });

  it("finishes a turn without thinking when its assistant message has none", () => {
    const [user, assistant, results] = conversation;
    const bare = { ...assistant!, content: assistant!.content.slice(1) };
    const headers = { "anthropic-version": "2023-06-01", "x-api-key": "k" };
    const body = encodeAnthropic(request([user!, bare, results!], { thinking_budget: 2048 }));
    expect(body.thinking).toBeUndefined();
    expect(problemWithMessages(body, headers)).toBeUndefined();
  });

  it("has a note in the place of an image that the API would refuse for its size", () => {
    const sized = (length: number) =>
      ({ type: "image", source: { ...image.source, data: "A".repeat(length) } }) as const;
    const [largest, tooLarge] = [sized(5 * 1024 * 1024), sized(5 * 1024 * 1024 + 4)];
    const [user, assistant] = conversation;
    const results: Message = {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "t1",
          content: "",
          is_error: false,
          images: [tooLarge, largest],
        },
        { type: "tool_result", tool_use_id: "t2", content: "two", is_error: false },
        tooLarge,
        largest,
      ],
    };
    const body = encodeAnthropic(request([user!, assistant!, results]));
    const note = { type: "text", text: expect.stringContaining("image/png image is left out") };
    // Not `toEqual` on the whole: a difference would print megabytes.
    expect(typesAndNotes(body)).toMatchObject([{ content: [note, "image"] }, {}, note, "image"]);
  });

  /** The last message's blocks, with its images as a word. */
  function typesAndNotes({ messages }: Record<string, unknown>): unknown {
    const text = JSON.stringify(messages, (_, value) => (value?.type === "image" ? "image" : value));
    return JSON.parse(text).at(-1).content;
  }

  it("makes ids of other providers fit the API's pattern, the same on both sides", () => {
    const messages: Message[] = [
      { role: "user", content: [{ type: "text", text: "q" }] },
      { role: "assistant", content: [{ type: "tool_use", id: "functions.a:0", name: "a", input: {} }] },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "functions.a:0", content: "r", is_error: false }],
      },
    ];
    const body = encodeAnthropic(request(messages));
    expect(
      problemWithMessages(body, { "anthropic-version": "2023-06-01", "x-api-key": "k" }),
    ).toBeUndefined();
  });
});

describe("an OpenAI request", () => {
  it("has tool messages first, then one user message with images and text; arguments are a string; thinking is left out", () => {
    const expected: ChatCompletionCreateParamsStreaming = {
      model: "m",
      stream: true,
      stream_options: { include_usage: true },
      reasoning_effort: "high",
      tools: [
        { type: "function", function: { name: "a", description: "first", parameters: { type: "object" } } },
        { type: "function", function: { name: "b", description: "second", parameters: { type: "object" } } },
      ],
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "look" },
        {
          role: "assistant",
          content: "looking",
          tool_calls: [
            { id: "t1", type: "function", function: { name: "a", arguments: '{"x":1}' } },
            { id: "t2", type: "function", function: { name: "b", arguments: "{}" } },
          ],
        },
        { role: "tool", tool_call_id: "t1", content: "one" },
        { role: "tool", tool_call_id: "t2", content: "two" },
        {
          role: "user",
          content: [
            { type: "text", text: "Images from the result of t1:" },
            { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
            { type: "text", text: "faster" },
          ],
        },
      ],
    };
    expect(encodeOpenAi(request(conversation, { reasoning_effort: "high" }))).toEqual(expected);
  });

  it("has null content for an assistant that only called tools", () => {
    const [user, assistant, results] = conversation;
    const calls = { ...assistant!, content: assistant!.content.slice(2) };
    expect(encodeOpenAi(request([user!, calls, results!])).messages).toContainEqual(
      expect.objectContaining({ role: "assistant", content: null }),
    );
  });
});

describe("both wires", () => {
  const id = fc.constantFrom("a", "b", "c");
  const block: fc.Arbitrary<Block> = fc.oneof(
    fc.constantFrom("", " ", "text").map((text): Block => ({ type: "text", text })),
    fc
      .constantFrom("", "x")
      .map(
        (thinking): Block => ({ type: "thinking", thinking, signature: thinking && signatureOf(thinking) }),
      ),
    id.map(
      (tool_use_id): Block => ({
        type: "tool_result",
        tool_use_id,
        content: "",
        is_error: false,
        images: [image],
      }),
    ),
  );
  const userMessage = fc
    .array(
      block.filter((one) => one.type !== "thinking"),
      { maxLength: 4 },
    )
    .map((content): Message => ({ role: "user", content }));
  const calls = fc.uniqueArray(id, { maxLength: 3 }).map((ids) =>
    ids.map(
      (one): Block => ({
        type: "tool_use",
        id: one,
        name: one === "c" ? "made.up!" : one === "b" ? "" : "a",
        input: {},
      }),
    ),
  );
  const assistantMessage = fc
    .tuple(
      fc.array(
        block.filter((one) => one.type !== "tool_result"),
        { maxLength: 3 },
      ),
      calls,
    )
    .map(([content, uses]): Message => ({ role: "assistant", content: [...content, ...uses] }));
  const first: Message = { role: "user", content: [{ type: "text", text: "begin" }] };
  const last: Message = { role: "user", content: [{ type: "text", text: "end" }] };

  it("send nothing that the strict APIs refuse, whatever became of the transcript", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(userMessage, assistantMessage), { maxLength: 8 }),
        fc.boolean(),
        (middle, thinks) => {
          const sent = request([first, ...middle, last], thinks ? { thinking_budget: 1024 } : {});
          const anthropic = JSON.parse(JSON.stringify(encodeAnthropic(sent)));
          const openai = JSON.parse(JSON.stringify(encodeOpenAi(sent)));
          expect(
            problemWithMessages(anthropic, { "anthropic-version": "2023-06-01", "x-api-key": "k" }),
          ).toBeUndefined();
          expect(problemWithChat(openai, { authorization: "Bearer k" })).toBeUndefined();
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
