/** The stock `@anthropic-ai/sdk` package through the gateway. */
import Anthropic from "@anthropic-ai/sdk";
import { expect, it } from "vitest";
import { KEY, type Lab } from "../conformance/lab.ts";
import { poolKey } from "../conformance/setups.ts";
import { ANSWER, expectRow, TOOL_PROMPT, TOOL_SCHEMA, USER } from "./lab.ts";

export function anthropicTests(lab: () => Lab): void {
  const client = (prefix = "") =>
    new Anthropic({ apiKey: KEY, baseURL: lab().base.url + prefix, maxRetries: 0 });
  const reported = {
    provider: "anthropic",
    dialect: "anthropic",
    usage_source: "reported",
    input_tokens: 2,
    output_tokens: 4,
  };

  it("creates messages, with the pool key upstream and the virtual key nowhere", async () => {
    const message = await client().messages.create({ model: "an-json", max_tokens: 50, messages: USER });
    expect(message.content[0]).toMatchObject({ type: "text", text: ANSWER });
    const seen = await lab().standIn.take();
    expect(seen.header("x-api-key")).toEqual([poolKey("anthropic")]);
    expect(JSON.stringify(seen.headers)).not.toContain("bai_");
    await expectRow(lab(), "an-json", { ...reported, stream: false });
  });

  it("streams through the stream helper, below the provider's own path too", async () => {
    for (const [model, prefix] of [
      ["an-stream", ""],
      ["an-path", "/anthropic"],
    ] as const) {
      const stream = client(prefix).messages.stream({ model, max_tokens: 50, messages: USER });
      const texts: string[] = [];
      stream.on("text", (text) => texts.push(text));
      const message = await stream.finalMessage();
      expect(texts.join("")).toBe(ANSWER);
      expect(message.usage).toMatchObject({ input_tokens: 2, output_tokens: 4 });
      await expectRow(lab(), model, { ...reported, stream: true });
    }
  });

  it("calls tools", async () => {
    const tools = [{ name: "get_weather", input_schema: TOOL_SCHEMA }];
    const messages = [{ role: "user" as const, content: TOOL_PROMPT }];
    const message = await client()
      .messages.stream({ model: "an-tool", max_tokens: 50, tools, messages })
      .finalMessage();
    expect(message.content[0]).toMatchObject({
      type: "tool_use",
      name: "get_weather",
      input: { city: TOOL_PROMPT },
    });
  });

  it("counts tokens and lists models", async () => {
    expect(await client().messages.countTokens({ model: "an-count", messages: USER })).toMatchObject({
      input_tokens: 2,
    });
    expect((await client().models.list()).data[0]?.type).toBe("model");
  });
}
