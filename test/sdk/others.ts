/** The SDKs of groq, mistral and together and the Vercel `ai` package, each against its prefixed path. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { Mistral } from "@mistralai/mistralai";
import { generateText, jsonSchema, streamText, tool } from "ai";
import Groq from "groq-sdk";
import Together from "together-ai";
import { expect, it } from "vitest";
import { KEY, type Lab } from "../conformance/lab.ts";
import { poolKey } from "../conformance/setups.ts";
import { ANSWER, expectRow, PROMPT, TOOL_PROMPT, TOOL_SCHEMA, USER } from "./lab.ts";

const COUNTS = { usage_source: "reported", input_tokens: 2, output_tokens: 4 };

export function otherSdkTests(lab: () => Lab): void {
  const url = (prefix: string) => lab().base.url + prefix;

  async function expectPath(provider: string, path: string): Promise<void> {
    const seen = await lab().standIn.take();
    expect(seen.target).toBe(path);
    expect(seen.header("authorization")).toEqual([`Bearer ${poolKey(provider)}`]);
  }

  it("groq-sdk chats and streams", async () => {
    const client = new Groq({ apiKey: KEY, baseURL: url("/groq"), maxRetries: 0 });
    const whole = await client.chat.completions.create({ model: "gq", messages: USER });
    expect(whole.choices[0]?.message.content).toBe(ANSWER);
    await expectPath("groq", "/openai/v1/chat/completions");
    await expectRow(lab(), "gq", { ...COUNTS, provider: "groq" });
    let text = "";
    for await (const chunk of await client.chat.completions.create({
      model: "gq-s",
      messages: USER,
      stream: true,
    })) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    expect(text).toBe(ANSWER);
  });

  it("@mistralai/mistralai chats and streams", async () => {
    const client = new Mistral({ apiKey: KEY, serverURL: url("/mistral") });
    const whole = await client.chat.complete({ model: "mi", messages: USER });
    expect(whole.choices?.[0]?.message?.content).toBe(ANSWER);
    await expectPath("mistral", "/v1/chat/completions");
    await expectRow(lab(), "mi", { ...COUNTS, provider: "mistral" });
    let text = "";
    for await (const { data } of await client.chat.stream({ model: "mi-s", messages: USER })) {
      text += data.choices[0]?.delta.content ?? "";
    }
    expect(text).toBe(ANSWER);
  });

  it("together-ai chats and streams", async () => {
    const client = new Together({ apiKey: KEY, baseURL: url("/together/v1"), maxRetries: 0 });
    const whole = await client.chat.completions.create({ model: "to", messages: USER });
    expect(whole.choices[0]?.message?.content).toBe(ANSWER);
    await expectPath("together", "/v1/chat/completions");
    await expectRow(lab(), "to", { ...COUNTS, provider: "together" });
    const streamed = await client.chat.completions.stream({ model: "to-s", messages: USER }).finalContent();
    expect(streamed).toBe(ANSWER);
  });

  it("ai with @ai-sdk/openai generates and streams, by responses and by chat", async () => {
    const openai = createOpenAI({ apiKey: KEY, baseURL: url("/openai/v1") });
    const whole = await generateText({ model: openai("ai-resp"), prompt: PROMPT, maxRetries: 0 });
    expect(whole.text).toBe(ANSWER);
    await expectRow(lab(), "ai-resp", { ...COUNTS, path: "/v1/responses" });
    const streamed = streamText({ model: openai.chat("ai-chat"), prompt: PROMPT, maxRetries: 0 });
    expect(await streamed.text).toBe(ANSWER);
    expect(await streamed.usage).toMatchObject({ inputTokens: 2, outputTokens: 4 });
    await expectRow(lab(), "ai-chat", { ...COUNTS, path: "/v1/chat/completions", stream: true });
  });

  it("ai calls a tool through @ai-sdk/openai", async () => {
    const openai = createOpenAI({ apiKey: KEY, baseURL: url("/openai/v1") });
    const { toolCalls } = await generateText({
      model: openai.chat("ai-tool"),
      prompt: TOOL_PROMPT,
      tools: { get_weather: tool({ inputSchema: jsonSchema(TOOL_SCHEMA) }) },
      maxRetries: 0,
    });
    expect(toolCalls[0]).toMatchObject({ toolName: "get_weather", input: { city: TOOL_PROMPT } });
  });

  it("ai with @ai-sdk/anthropic generates and streams", async () => {
    const anthropic = createAnthropic({ apiKey: KEY, baseURL: url("/anthropic/v1") });
    const whole = await generateText({ model: anthropic("ai-claude"), prompt: PROMPT, maxRetries: 0 });
    expect(whole.text).toBe(ANSWER);
    await expectRow(lab(), "ai-claude", { ...COUNTS, provider: "anthropic", dialect: "anthropic" });
    const streamed = streamText({ model: anthropic("ai-claude-s"), prompt: PROMPT, maxRetries: 0 });
    expect(await streamed.text).toBe(ANSWER);
    await expectRow(lab(), "ai-claude-s", { ...COUNTS, stream: true });
  });
}
