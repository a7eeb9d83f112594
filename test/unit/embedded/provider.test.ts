/** The embedded provider, asked by the vendors' own SDKs and by hand where an SDK hides the wire. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { createEmbeddedProvider } from "../../../src/embedded/provider.ts";

const API_KEY = "sk-embedded";
const provider = createEmbeddedProvider({ apiKey: API_KEY });
const fetchProvider = (url: string | URL | Request, init?: RequestInit) => provider(new Request(url, init));

const openai = new OpenAI({
  apiKey: API_KEY,
  baseURL: "http://provider/v1",
  fetch: fetchProvider,
  maxRetries: 0,
});
const anthropic = new Anthropic({
  apiKey: API_KEY,
  baseURL: "http://provider",
  fetch: fetchProvider,
  maxRetries: 0,
});

const user = (content: string) => [{ role: "user" as const, content }];
const WEATHER_SCHEMA = {
  type: "object" as const,
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
};

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return provider(
    new Request(`http://provider${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
}

describe("OpenAI", () => {
  it("counts one token a word and gives the same answer twice", async () => {
    const ask = () => openai.chat.completions.create({ model: "m", messages: user("one two three") });
    const [first, second] = [await ask(), await ask()];
    expect(first.choices[0]?.message.content).toBe("You said: one two three");
    expect(first.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 });
    expect(second.choices).toEqual(first.choices);
  });

  it("reports usage in a chat stream only when asked, in a last chunk without choices", async () => {
    const request = { model: "m", stream: true, messages: user("hi") };
    const silent = await (await post("/v1/chat/completions", request)).text();
    expect(silent).not.toContain("usage");
    expect(silent).toMatch(/data: \[DONE\]\n\n$/);
    const asked = await (
      await post("/v1/chat/completions", { ...request, stream_options: { include_usage: true } })
    ).text();
    const chunks = asked
      .split("\n\n")
      .slice(0, -2)
      .map((event) => JSON.parse(event.slice("data: ".length)));
    const last = chunks.pop();
    expect(last).toMatchObject({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 3 } });
    expect(chunks.every(({ usage }) => usage === null)).toBe(true);
  });

  it("satisfies the chat stream helper, with text cut at the token limit", async () => {
    const stream = openai.chat.completions.stream({
      model: "m",
      max_completion_tokens: 3,
      messages: user("a b c"),
    });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]).toMatchObject({ finish_reason: "length", message: { content: "You said: a" } });
  });

  it("calls the tool that the user names, with arguments of the schema's types, then repeats its result", async () => {
    const tools = [
      { type: "function" as const, function: { name: "get_weather", parameters: WEATHER_SCHEMA } },
    ];
    const stream = openai.chat.completions.stream({
      model: "m",
      tools,
      messages: user("use get_weather please"),
    });
    const { message, finish_reason } = (await stream.finalChatCompletion()).choices[0]!;
    expect(finish_reason).toBe("tool_calls");
    const call = message.tool_calls![0]!;
    if (call.type !== "function") throw new TypeError("not a function call");
    expect(call.function.name).toBe("get_weather");
    expect(JSON.parse(call.function.arguments)).toEqual({ city: "use get_weather please", days: 1 });
    const next = await openai.chat.completions.create({
      model: "m",
      tools,
      messages: [
        ...user("use get_weather please"),
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: call.id, content: "sunny" },
      ],
    });
    expect(next.choices[0]?.message.content).toBe("The tool said: sunny");
  });

  it("satisfies the responses stream helper with text and with a function call", async () => {
    const text = await openai.responses.stream({ model: "m", input: "hello there" }).finalResponse();
    expect(text.output_text).toBe("You said: hello there");
    expect(text.usage).toMatchObject({ input_tokens: 2, output_tokens: 4 });
    const tools = [
      { type: "function" as const, name: "get_weather", parameters: WEATHER_SCHEMA, strict: false },
    ];
    const called = await openai.responses.stream({ model: "m", input: "get_weather", tools }).finalResponse();
    expect(called.output[0]).toMatchObject({ type: "function_call", name: "get_weather" });
  });

  it("ends a response that hit its limit with response.incomplete", async () => {
    const stream = openai.responses.stream({ model: "m", input: "a b c", max_output_tokens: 2 });
    const types: string[] = [];
    for await (const { type } of stream) types.push(type);
    expect(types.at(-1)).toBe("response.incomplete");
    expect(await stream.finalResponse()).toMatchObject({ status: "incomplete", output_text: "You said:" });
  });

  it("embeds in base64, which the SDK asks for, as it does in floats", async () => {
    const ask = (encoding_format?: "float") =>
      openai.embeddings.create({
        model: "m",
        input: ["a b", "c"],
        ...(encoding_format && { encoding_format }),
      });
    const [packed, plain] = [await ask(), await ask("float")];
    expect(packed.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    expect(plain.data[0]?.embedding).toHaveLength(8);
    for (const [at, value] of plain.data[0]!.embedding.entries()) {
      expect(packed.data[0]!.embedding[at]).toBeCloseTo(value, 5);
    }
  });

  it("streams legacy completions and lists models", async () => {
    const stream = await openai.completions.create({ model: "m", prompt: "hey", stream: true });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? "";
    expect(text).toBe("You said: hey");
    expect((await openai.models.list()).data.map(({ id }) => id)).toContain("gpt-5-mini");
    expect((await openai.models.retrieve("gpt-5-mini")).object).toBe("model");
    await expect(openai.models.retrieve("none/such")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });

  it.each([
    ["no model", "/v1/chat/completions", { messages: user("x") }, 400, "invalid_request_error"],
    ["no messages", "/v1/chat/completions", { model: "m" }, 400, "invalid_request_error"],
    ["no input", "/v1/responses", { model: "m" }, 400, "invalid_request_error"],
    ["a body that is no JSON", "/v1/chat/completions", "{", 400, "invalid_request_error"],
    ["an array for a body", "/v1/embeddings", [], 400, "invalid_request_error"],
    ["an endpoint it lacks", "/v1/files", {}, 404, "invalid_request_error"],
  ])("refuses %s in OpenAI's shape", async (_, path, body, status, type) => {
    const response = await post(path, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type, message: expect.any(String) } });
  });

  it("refuses another key and does not echo it", async () => {
    const response = await post("/v1/chat/completions", {}, { authorization: "Bearer sk-wrong" });
    expect(response.status).toBe(401);
    const text = await response.text();
    expect(JSON.parse(text).error.code).toBe("invalid_api_key");
    expect(text).not.toContain("sk-wrong");
  });
});

describe("Anthropic", () => {
  const ask = { model: "claude", max_tokens: 50 };

  it("counts input in message_start and output in message_delta", async () => {
    const stream = anthropic.messages.stream({ ...ask, system: "be brief", messages: user("one two") });
    const message = await stream.finalMessage();
    expect(message.content[0]).toMatchObject({ type: "text", text: "You said: one two" });
    expect(message.usage).toMatchObject({ input_tokens: 4, output_tokens: 4 });
    const whole = await anthropic.messages.create({ ...ask, system: "be brief", messages: user("one two") });
    expect(whole.usage).toMatchObject({ input_tokens: 4, output_tokens: 4 });
  });

  it("calls the tool that the user names", async () => {
    const tools = [{ name: "get_weather", input_schema: WEATHER_SCHEMA }];
    const message = await anthropic.messages
      .stream({ ...ask, tools, messages: user("get_weather") })
      .finalMessage();
    expect(message.stop_reason).toBe("tool_use");
    const block = message.content[0]!;
    expect(block).toMatchObject({
      type: "tool_use",
      name: "get_weather",
      input: { city: "get_weather", days: 1 },
    });
    const toolUse = { type: "tool_use" as const, id: "toolu_1", name: "get_weather", input: {} };
    const next = await anthropic.messages.create({
      ...ask,
      tools,
      messages: [
        ...user("get_weather"),
        { role: "assistant", content: [toolUse] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "rain" }] },
      ],
    });
    expect(next.content[0]).toMatchObject({ text: "The tool said: rain" });
  });

  it("counts tokens and lists models", async () => {
    expect(await anthropic.messages.countTokens({ model: "claude", messages: user("a b c") })).toMatchObject({
      input_tokens: 3,
    });
    expect((await anthropic.models.list()).data[0]?.id).toBe("claude-haiku-4-5");
  });

  it.each([
    ["no max_tokens", { model: "m", messages: user("x") }],
    ["no model", { max_tokens: 1, messages: user("x") }],
    ["no messages", { model: "m", max_tokens: 1, messages: [] }],
  ])("refuses %s in Anthropic's shape", async (_, body) => {
    const response = await post("/v1/messages", body, { "anthropic-version": "2023-06-01" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
  });

  it("wants anthropic-version and the right key", async () => {
    expect((await post("/v1/messages", { ...ask, messages: user("x") })).status).toBe(400);
    const stranger = new Anthropic({
      apiKey: "no",
      baseURL: "http://provider",
      fetch: fetchProvider,
      maxRetries: 0,
    });
    await expect(stranger.messages.create({ ...ask, messages: user("x") })).rejects.toBeInstanceOf(
      Anthropic.AuthenticationError,
    );
  });
});
