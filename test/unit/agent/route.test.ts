import { describe, expect, it } from "vitest";
import { routeModel } from "../../../src/agent/route.ts";
import { BUILT_IN_PROVIDERS } from "../../../src/config/providers.ts";

describe("the route of a model", () => {
  it.each([
    ["claude-sonnet-5", "anthropic", "/v1/messages", "claude-sonnet-5"],
    ["anthropic/claude-opus-5", "anthropic", "/v1/messages", "anthropic/claude-opus-5"],
    ["gpt-5", "openai", "/v1/chat/completions", "gpt-5"],
    ["groq:llama-3.3-70b", "openai", "/groq/openai/v1/chat/completions", "llama-3.3-70b"],
    [
      "fireworks:accounts/f/models/q",
      "openai",
      "/fireworks/inference/v1/chat/completions",
      "accounts/f/models/q",
    ],
    [
      "openrouter:anthropic/claude-opus-5",
      "anthropic",
      "/openrouter/api/v1/messages",
      "anthropic/claude-opus-5",
    ],
    ["openrouter:qwen/qwen3:free", "openai", "/openrouter/api/v1/chat/completions", "qwen/qwen3:free"],
    ["anthropic:my-alias", "anthropic", "/anthropic/v1/messages", "my-alias"],
    ["my-llm:llama3:8b", "openai", "/my-llm/v1/chat/completions", "llama3:8b"],
    ["constructor:x", "openai", "/constructor/v1/chat/completions", "x"],
    ["ft:gpt-4o:acme::1", "openai", "/v1/chat/completions", "ft:gpt-4o:acme::1"],
    ["meta-llama/llama-3:free", "openai", "/v1/chat/completions", "meta-llama/llama-3:free"],
  ])("%s is %s at %s", (id, dialect, path, model) => {
    expect(routeModel(id)).toMatchObject({ dialect, path, model });
  });

  it("follows --dialect, to the provider's base path for that wire", () => {
    expect(routeModel("deepseek:deepseek-chat", "anthropic").path).toBe("/deepseek/anthropic/v1/messages");
    expect(routeModel("claude-x", "openai").path).toBe("/v1/chat/completions");
  });

  it("keeps stream_options from a provider that refuses what it does not know", () => {
    expect(routeModel("mistral:mistral-large").takesStreamOptions).toBe(false);
    expect(routeModel("gpt-5").takesStreamOptions).toBe(true);
  });

  it.each(BUILT_IN_PROVIDERS)(
    "of $name is below one of the gateway's base paths for it, on both wires",
    ({ name, basePaths }) => {
      for (const dialect of ["openai", "anthropic"] as const) {
        const { path } = routeModel(`${name}:m`, dialect);
        expect(basePaths.map((base) => `/${name}${base}`)).toContain(
          path.replace(/\/(chat\/completions|messages)$/, ""),
        );
      }
      expect(routeModel(`${name}:m`, "openai").path).toBe(`/${name}${basePaths[0]}/chat/completions`);
    },
  );
});
