import { describe, expect, it } from "vitest";
import { configFrom } from "../../../src/config/parse.ts";
import { buildProviders } from "../../../src/config/providers.ts";
import { checkEndpoint } from "../../../src/gateway/endpoints.ts";

const providers = buildProviders(configFrom({}));
const check = (method: string, path: string, provider = "openai", managedPaths: readonly string[] = []) =>
  checkEndpoint(method, path, providers.get(provider)!, managedPaths);

describe("checkEndpoint", () => {
  it.each([
    ["openai", "/v1/chat/completions"],
    ["groq", "/openai/v1/chat/completions"],
    ["deepseek", "/chat/completions"],
    ["deepseek", "/anthropic/v1/messages"],
    ["fireworks", "/inference/v1/completions"],
  ])("lets a managed key POST to %s %s", (provider, path) => {
    expect(check("POST", path, provider)).toEqual({ ok: true, billed: true });
  });

  it("knows which endpoints cost tokens", () => {
    expect(check("POST", "/v1/messages/count_tokens", "anthropic")).toEqual({ ok: true, billed: false });
    expect(check("GET", "/v1/models/org/model%2Fx")).toEqual({ ok: true, billed: false });
  });

  it("names the methods when only the method is wrong", () => {
    expect(check("DELETE", "/v1/models/x")).toEqual({ ok: false, allow: "GET, HEAD" });
    expect(check("OPTIONS", "/v1/responses")).toEqual({ ok: false, allow: "POST" });
  });

  it.each([
    "/v1/files",
    "/v1/models/",
    "/v1/models//x",
    "/v1/models/../files",
    "/v1/models/%2e%2e/files",
    "/v1/models/%252e%252e/files",
    "/v1/models/..;/files",
    "/v1/models/a%5c..%5cfiles",
    "/v1/models/a\\b",
    "/v1/models/a%2f%2fb",
    "/v1/models/%00",
    "/v1/models/%zz",
    "/v1/chat/completions/",
    "/V1/chat/completions",
    "/v1beta/chat/completions",
    "/chat/completions",
  ])("refuses %s", (path) => {
    expect(check(path.includes("models") ? "GET" : "POST", path)).toEqual({ ok: false });
  });

  it("opens the managed paths of the config for POST", () => {
    expect(check("POST", "/v1/audio/speech", "openai", ["/audio/speech"])).toEqual({
      ok: true,
      billed: true,
    });
    expect(check("GET", "/v1/audio/speech", "openai", ["/audio/speech"])).toEqual({
      ok: false,
      allow: "POST",
    });
  });
});
