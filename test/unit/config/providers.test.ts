import { describe, expect, it } from "vitest";
import { configFrom } from "../../../src/config/parse.ts";
import { buildProviders } from "../../../src/config/providers.ts";

const table = (values: Parameters<typeof configFrom>[0] = {}) => buildProviders(configFrom(values));

describe("buildProviders", () => {
  it("has the rows of gateway.md §1", () => {
    const rows = [...table().values()].map((row) => [
      row.name,
      row.authority,
      row.basePaths.join(),
      row.authScheme,
      row.askForUsage,
    ]);
    expect(rows).toEqual([
      ["openai", "api.openai.com:443", "/v1", "bearer", true],
      ["anthropic", "api.anthropic.com:443", "/v1", "x-api-key", false],
      ["openrouter", "openrouter.ai:443", "/api/v1", "bearer", true],
      ["fireworks", "api.fireworks.ai:443", "/inference/v1", "bearer", false],
      ["groq", "api.groq.com:443", "/openai/v1", "bearer", false],
      ["deepseek", "api.deepseek.com:443", "/v1,,/anthropic/v1", "bearer", true],
      ["together", "api.together.ai:443", "/v1", "bearer", false],
      ["cerebras", "api.cerebras.ai:443", "/v1", "bearer", false],
      ["mistral", "api.mistral.ai:443", "/v1", "bearer", false],
      ["xai", "api.x.ai:443", "/v1", "bearer", true],
    ]);
  });

  it("reads only anthropic's responses as the Anthropic wire, and cancels on every row", () => {
    for (const row of table().values()) {
      expect(row.dialect).toBe(row.name === "anthropic" ? "anthropic" : "openai");
      expect(row.onDisconnect).toBe("cancel");
    }
  });

  it("adds a row of the openai kind for a new name", () => {
    expect(table({ providerAuthorities: { "my-llm": "h" } }).get("my-llm")).toEqual({
      name: "my-llm",
      authority: "h:443",
      dialect: "openai",
      authScheme: "bearer",
      basePaths: ["/v1"],
      askForUsage: true,
      onDisconnect: "cancel",
    });
  });

  it("keeps the rest of a built-in row whose authority is overridden", () => {
    expect(table({ providerAuthorities: { anthropic: "mock:1" } }).get("anthropic")).toMatchObject({
      authority: "mock:1",
      authScheme: "x-api-key",
      dialect: "anthropic",
    });
  });

  it("lays every provider table over its row", () => {
    const row = table({
      providerDialects: { groq: "anthropic" },
      providerAuthSchemes: { groq: "api-key" },
      providerBasePaths: { groq: ["/a", "/b"] },
      providerUsageInjection: { groq: true },
      providerOnDisconnect: { groq: "cancel" },
      onDisconnect: "drain",
    });
    expect(row.get("groq")).toMatchObject({
      dialect: "anthropic",
      authScheme: "api-key",
      basePaths: ["/a", "/b"],
      askForUsage: true,
      onDisconnect: "cancel",
    });
    expect(row.get("openai")).toMatchObject({ onDisconnect: "drain", askForUsage: true });
  });

  it("finds no provider under an inherited name", () => {
    for (const name of ["constructor", "__proto__", "toString", ""])
      expect(table().get(name)).toBeUndefined();
  });
});
