import { describe, expect, it } from "vitest";
import { configFrom } from "../../../src/config/parse.ts";
import { buildProviders } from "../../../src/config/providers.ts";
import { createRouter } from "../../../src/gateway/routing.ts";

const newRouter = (managedPaths: readonly string[] = []) =>
  createRouter(buildProviders(configFrom({})), managedPaths);

describe("createRouter", () => {
  it("gives one path two providers, as the client says whose it is", () => {
    const router = newRouter();
    for (const isAnthropic of [false, true, false, true]) {
      const name = isAnthropic ? "anthropic" : "openai";
      expect(router.route("/v1/models", isAnthropic)?.provider.name).toBe(name);
    }
  });

  it("remembers what a path means, and a path that leads nowhere does not", () => {
    const router = newRouter();
    const first = router.route("/groq/openai/v1/chat/completions", false);
    expect(first).toMatchObject({
      path: "/openai/v1/chat/completions",
      dialect: "openai",
      asksForUsage: false,
    });
    expect(router.route("/groq/openai/v1/chat/completions", false)).toBe(first);
    expect(router.route("/nobody/v1", false)).toBeUndefined();
  });

  it("keeps its answers apart by method", () => {
    const route = newRouter(["/audio/speech"]).route("/v1/audio/speech", false);
    expect(route?.reach("GET")).toEqual({ ok: false, allow: "POST" });
    expect(route?.reach("POST")).toEqual({ ok: true, billed: true });
    expect(route?.reach("GET")).toEqual({ ok: false, allow: "POST" });
  });

  it("remembers neither a path that is very long nor ever more of them", () => {
    const router = newRouter();
    const long = `/v1/models/${"m".repeat(300)}`;
    expect(router.route(long, false)).not.toBe(router.route(long, false));
    const first = router.route("/v1/models/0", false);
    for (let i = 1; i <= 2000; i++) router.route(`/v1/models/${i}`, false);
    const again = router.route("/v1/models/0", false);
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});
