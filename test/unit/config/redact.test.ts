import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/parse.ts";
import { redacted } from "../../../src/config/redact.ts";

describe("redacted", () => {
  const { config } = loadConfig({
    runtime: "node",
    env: {},
    toml: `
      admin_token = "SECRET1"
      nats_url = "wss://user:SECRET2@nats.example:4443/path?token=SECRET3"
      nats_creds = "SECRET4"
      otlp_endpoint = "https://SECRET5@collector/v1"
      listen = "[::1]:1"
      [pool_keys]
      openai = "SECRET6"
      xai = ["SECRET7", "SECRET8"]`,
  });
  const printed = redacted(config);

  it("shows no secret", () => {
    expect(JSON.stringify(printed)).not.toContain("SECRET");
  });

  it("shows what is set, under the names of the file", () => {
    expect(printed).toMatchObject({
      listen: "[::1]:1",
      admin_token: "[redacted]",
      nats_url: "wss://[redacted]@nats.example:4443/path?[redacted]",
      otlp_endpoint: "https://[redacted]@collector/v1",
      pool_keys: { openai: ["[redacted]"], xai: ["[redacted]", "[redacted]"] },
      rate_limit_rps: 100,
    });
    expect(printed).not.toHaveProperty("snapshot_path");
  });

  it("shows no secret of any of several servers", () => {
    const env = { AI_NATS_URL: "ws://u:SECRET@a:1/x?t=SECRET,wss://SECRET@b" };
    expect(redacted(loadConfig({ runtime: "node", env, toml: "" }).config)).toMatchObject({
      nats_url: "ws://[redacted]@a:1/x?[redacted],wss://[redacted]@b/",
    });
  });

  it("keeps a URL without secrets as it is", () => {
    const plain = loadConfig({ runtime: "node", env: { AI_OTLP_ENDPOINT: "http://c:4318/" }, toml: "" });
    expect(redacted(plain.config)).toMatchObject({ otlp_endpoint: "http://c:4318/" });
  });
});
