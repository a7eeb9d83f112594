/** The stock `openai` package through the gateway. */
import OpenAI from "openai";
import { expect, it } from "vitest";
import { BYO_KEY, KEY, type Lab } from "../conformance/lab.ts";
import { poolKey } from "../conformance/setups.ts";
import { ANSWER, expectRow, PROMPT, TOOL_PROMPT, TOOL_SCHEMA, USER } from "./lab.ts";

export function openaiTests(lab: () => Lab): void {
  const client = (apiKey = KEY, prefix = "/v1") =>
    new OpenAI({ apiKey, baseURL: lab().base.url + prefix, maxRetries: 0 });
  const reported = { provider: "openai", dialect: "openai", usage_source: "reported" };

  it("chats, with the pool key upstream and the virtual key nowhere", async () => {
    const completion = await client().chat.completions.create({ model: "oa-chat", messages: USER });
    expect(completion.choices[0]?.message.content).toBe(ANSWER);
    const seen = await lab().standIn.take();
    expect(seen.header("authorization")).toEqual([`Bearer ${poolKey("openai")}`]);
    expect(JSON.stringify(seen.headers)).not.toContain("bai_");
    await expectRow(lab(), "oa-chat", { ...reported, stream: false, input_tokens: 2, output_tokens: 4 });
  });

  it("streams a chat whose usage is metered and hidden, since it was not asked for", async () => {
    const stream = await client().chat.completions.create({
      model: "oa-stream",
      messages: USER,
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) {
      expect(chunk.choices).toHaveLength(1);
      text += chunk.choices[0]?.delta.content ?? "";
    }
    expect(text).toBe(ANSWER);
    await expectRow(lab(), "oa-stream", { ...reported, stream: true, input_tokens: 2, output_tokens: 4 });
  });

  it("streams a chat whose usage was asked for", async () => {
    const stream = client().chat.completions.stream({
      model: "oa-usage",
      messages: USER,
      stream_options: { include_usage: true },
    });
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe(ANSWER);
    expect(await stream.totalUsage()).toMatchObject({ prompt_tokens: 2, completion_tokens: 4 });
    await expectRow(lab(), "oa-usage", { ...reported, input_tokens: 2, output_tokens: 4 });
  });

  it("calls tools, streamed and not", async () => {
    const tools = [{ type: "function" as const, function: { name: "get_weather", parameters: TOOL_SCHEMA } }];
    const messages = [{ role: "user" as const, content: TOOL_PROMPT }];
    const whole = await client().chat.completions.create({ model: "oa-tool", messages, tools });
    const streamed = await client()
      .chat.completions.stream({ model: "oa-tool-s", messages, tools })
      .finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      const call = choices[0]?.message.tool_calls?.[0];
      expect(call).toMatchObject({
        type: "function",
        function: { name: "get_weather", arguments: JSON.stringify({ city: TOOL_PROMPT }) },
      });
    }
    await expectRow(lab(), "oa-tool-s", { ...reported, stream: true });
  });

  it("speaks the Responses API, streamed and not", async () => {
    const whole = await client().responses.create({ model: "oa-resp", input: PROMPT });
    expect(whole.output_text).toBe(ANSWER);
    const streamed = await client().responses.stream({ model: "oa-resp-s", input: PROMPT }).finalResponse();
    expect(streamed.output_text).toBe(ANSWER);
    await expectRow(lab(), "oa-resp", { ...reported, stream: false, input_tokens: 2, output_tokens: 4 });
    await expectRow(lab(), "oa-resp-s", { ...reported, stream: true, input_tokens: 2, output_tokens: 4 });
  });

  it("embeds and lists models", async () => {
    const { data, usage } = await client().embeddings.create({ model: "oa-embed", input: ["a b", "c"] });
    expect([data.length, usage.prompt_tokens]).toEqual([2, 3]);
    await expectRow(lab(), "oa-embed", { ...reported, input_tokens: 3 });
    expect((await client().models.list()).data.length).toBeGreaterThan(0);
    expect((await client().models.retrieve("gpt-5-mini")).id).toBe("gpt-5-mini");
  });

  it("works below the provider's own path", async () => {
    const completion = await client(KEY, "/openai/v1").chat.completions.create({
      model: "oa-path",
      messages: USER,
    });
    expect(completion.choices[0]?.message.content).toBe(ANSWER);
  });

  it("passes a BYO call on untouched and unmetered", async () => {
    const stream = await client(BYO_KEY).chat.completions.create({
      model: "oa-byo",
      messages: USER,
      stream: true,
    });
    let chunks = 0;
    for await (const _ of stream) chunks++;
    expect(chunks).toBeGreaterThan(2);
    const seen = await lab().standIn.take();
    expect(seen.header("authorization")).toEqual([`Bearer ${BYO_KEY}`]);
    expect(JSON.parse((await seen.body).text())).not.toHaveProperty("stream_options");
    expect(
      lab()
        .base.rows()
        .filter(({ requested_model }) => requested_model === "oa-byo"),
    ).toEqual([]);
  });

  it("cancels upstream when the caller aborts a stream", async () => {
    const stream = await client().chat.completions.create({
      model: "oa-abort",
      messages: [{ role: "user", content: "word ".repeat(200_000) }],
      stream: true,
    });
    for await (const _ of stream) break;
    await (await lab().standIn.take()).clientGone;
    const row = await lab().base.waitForRow(({ requested_model }) => requested_model === "oa-abort");
    expect(row).toMatchObject({ outcome: "client_cancelled", usage_source: "estimated" });
  });
}
