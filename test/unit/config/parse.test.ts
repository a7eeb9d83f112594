import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/config-error.ts";
import { configFrom, loadConfig } from "../../../src/config/parse.ts";
import { vectors } from "../keys/vectors.ts";

type Env = Record<string, unknown>;
const load = (toml: string, env: Env = {}, runtime: "node" | "bun" | "workers" = "node") =>
  loadConfig({ toml, env, runtime });

const thrown = (act: () => unknown): ConfigError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("no error");
};

const refusal = (toml: string, env: Env = {}): string => {
  const { message } = thrown(() => load(toml, env));
  expect(message).not.toMatch(/\n/);
  return message;
};

const good = vectors.signing_keys["1"]!;

describe("loadConfig", () => {
  it("gives the defaults of gateway.md §11", () => {
    const { config, warnings } = load("");
    expect(warnings).toEqual([]);
    expect(config).toEqual({
      listen: { host: "0.0.0.0", port: 8080 },
      metricsListen: { host: "0.0.0.0", port: 9090 },
      adminToken: undefined,
      signingKeys: {},
      requireSigningKeys: false,
      poolKeys: {},
      providerAuthorities: {},
      providerDialects: {},
      providerAuthSchemes: {},
      providerBasePaths: {},
      providerUsageInjection: {},
      managedPaths: [],
      natsUrl: undefined,
      natsCreds: undefined,
      natsCredsFile: undefined,
      configBucket: "ai-gateway",
      snapshotPath: undefined,
      denyRescanSecs: 300,
      denyCacheSecs: 30,
      denyLookupTimeoutMs: 250,
      rateLimitRps: 100,
      byoRateLimitRps: 1000,
      verifyRps: 2000,
      circuitBreakerThreshold: 20,
      circuitBreakerWindowSecs: 10,
      circuitBreakerResetSecs: 30,
      maxRequestBytes: 104857600,
      byoMaxRequestBytes: 0,
      maxBufferedBytes: 268435456,
      connectTimeoutSecs: 10,
      readTimeoutSecs: 600,
      writeTimeoutSecs: 60,
      idleTimeoutSecs: 90,
      upstreamTls: true,
      upstreamHttp2: false,
      onDisconnect: "cancel",
      providerOnDisconnect: {},
      drainMaxBytes: 1048576,
      drainMaxSecs: 30,
      shutdownDelaySecs: 5,
      shutdownGracePeriodSecs: 600,
      logLevel: "info",
      workers: 1,
      otlpEndpoint: undefined,
    });
  });

  it("lays the file over the defaults and variables over the file", () => {
    const { config } = load('rate_limit_rps = 5\nverify_rps = 6\nlisten = "127.0.0.1:0"', {
      AI_VERIFY_RPS: "7",
    });
    expect(config).toMatchObject({ rateLimitRps: 5, verifyRps: 7, listen: { host: "127.0.0.1", port: 0 } });
  });

  it("reads every scalar kind from a variable", () => {
    const { config } = load("", {
      AI_LISTEN: "[::1]:80",
      AI_UPSTREAM_HTTP2: "true",
      AI_REQUIRE_SIGNING_KEYS: "0",
      AI_READ_TIMEOUT_SECS: "0.25",
      AI_LOG_LEVEL: "debug",
      AI_NATS_URL: "wss://u:p@nats:443",
    });
    expect(config).toMatchObject({
      listen: { host: "::1", port: 80 },
      upstreamHttp2: true,
      requireSigningKeys: false,
      readTimeoutSecs: 0.25,
      logLevel: "debug",
      natsUrl: "wss://u:p@nats:443",
    });
  });

  it("takes an empty variable for none, and unknown AI_ variables for nobody's", () => {
    const env = {
      AI_RATE_LIMIT_RPS: "",
      AI_NATS_URL: "",
      AI_POOL_KEY_OPENAI: "",
      AI_POOL_KEY_NOBODY: "",
      AI_SOMETHING: "x",
      AI_RATE_LIMITER: { limit: 1 },
    };
    expect(load("rate_limit_rps = 5", env).config).toEqual(load("rate_limit_rps = 5").config);
  });

  it("replaces a table by its JSON variable, then lays entries of their own over it", () => {
    const { config } = load('[pool_keys]\nopenai = "file"\ngroq = "file"', {
      AI_POOL_KEYS: '{"openai":["a","b"],"xai":"c"}',
      AI_POOL_KEY_XAI: "d",
      AI_POOL_KEY_MISTRAL: '["e", "f", "e"]',
    });
    expect(config.poolKeys).toEqual({ openai: ["a", "b"], xai: ["d"], mistral: ["e", "f"] });
  });

  it("lays entry variables over the file's table", () => {
    const { config } = load('[pool_keys]\nopenai = "file"\ngroq = ["g"]', { AI_POOL_KEY_OPENAI: "env" });
    expect(config.poolKeys).toEqual({ openai: ["env"], groq: ["g"] });
  });

  it("takes JSON values where the runtime gives them, as Workers do", () => {
    const { config } = load(
      "",
      { AI_SIGNING_KEYS: { 1: good }, AI_RATE_LIMIT_RPS: 7, AI_UPSTREAM_HTTP2: true },
      "workers",
    );
    expect(config).toMatchObject({ signingKeys: { 1: good }, rateLimitRps: 7, upstreamHttp2: true });
  });

  it("matches names in variables with known providers, hyphens written as underscores", () => {
    const { config } = load(
      '[provider_authorities]\nmy-llm.v2 = "h"\n"a.b-c" = "x:1"'.replace("my-llm.v2", '"my-llm.v2"'),
      {
        AI_POOL_KEY_MY_LLM_V2: "k1",
        AI_POOL_KEY_A_B_C: "k2",
        AI_PROVIDER_AUTHORITY_MY_LLM_V2: "other:8443",
      },
    );
    expect(config.poolKeys).toEqual({ "my-llm.v2": ["k1"], "a.b-c": ["k2"] });
    expect(config.providerAuthorities).toEqual({ "my-llm.v2": "other:8443", "a.b-c": "x:1" });
  });

  it("adds a provider from a variable, and its pool key", () => {
    const { config } = load("", {
      AI_PROVIDER_AUTHORITY_MY_LLM: "h",
      AI_POOL_KEY_MY_LLM: "k",
      AI_PROVIDER_AUTHORITY_OPENAI: "mock:1",
    });
    expect(config.providerAuthorities).toEqual({ "my-llm": "h:443", openai: "mock:1" });
    expect(config.poolKeys).toEqual({ "my-llm": ["k"] });
  });

  it("refuses a variable that means two providers alike", () => {
    const message = refusal('[provider_authorities]\n"a-b" = "x"\na_b = "y"', { AI_POOL_KEY_A_B: "k" });
    expect(message).toContain("AI_POOL_KEY_A_B");
    expect(message).toContain("a-b and a_b");
  });

  it("reads signing keys by kid from variables of their own", () => {
    const { config } = load("", { AI_SIGNING_KEY_1: good, AI_SIGNING_KEY_7: vectors.signing_keys["7"] });
    expect(config.signingKeys).toEqual(vectors.signing_keys);
  });

  it("gives authorities a port and base paths no trailing slash", () => {
    const { config } = load(
      '[provider_authorities]\nx = "LLM.Internal"\ny = "[::1]:9"\n[provider_base_paths]\nx = ["/v1/", "/", "/v1"]\ny = "/api"',
    );
    expect(config.providerAuthorities).toEqual({ x: "llm.internal:443", y: "[::1]:9" });
    expect(config.providerBasePaths).toEqual({ x: ["/v1", ""], y: ["/api"] });
  });

  it("has tables in which no inherited name is found", () => {
    expect("constructor" in load('[pool_keys]\nopenai = "k"').config.poolKeys).toBe(false);
  });

  it("reads a file with a byte order mark", () => {
    expect(load("\uFEFFrate_limit_rps = 5").config.rateLimitRps).toBe(5);
  });
});

describe("a config error", () => {
  it.each([
    ["rate_limit = 5", "rate_limit", "rate_limit_rps"],
    ['pool_key = "x"', "pool_key", "pool_keys"],
    ["LISTEN = 1", "LISTEN", "listen"],
    ['[signing_kyes]\n1 = "x"', "signing_kyes", "signing_keys"],
    ['"a\\nb" = 1', "a\\nb", ""],
  ])("names the unknown key of %j and the nearest known one", (toml, key, near) => {
    const message = refusal(toml);
    expect(message).toContain(`unknown key "${key}"`);
    expect(message).toContain(`did you mean "${near}`);
  });

  it.each([
    ['rate_limit_rps = "fast"', ["rate_limit_rps", '"fast"', "whole number"]],
    ["rate_limit_rps = -1", ["rate_limit_rps", "-1", "0"]],
    ["rate_limit_rps = 1.5", ["rate_limit_rps", "1.5"]],
    ["rate_limit_rps = nan", ["rate_limit_rps", "NaN"]],
    ["read_timeout_secs = inf", ["read_timeout_secs", "Infinity"]],
    ["read_timeout_secs = 0", ["read_timeout_secs", "0.001"]],
    ["max_request_bytes = 0", ["max_request_bytes", "at least 1"]],
    ["upstream_tls = 1", ["upstream_tls", "true or false"]],
    ['upstream_tls = "true"', ["upstream_tls", "true or false"]],
    ["rate_limit_rps = 1979-05-27", ["rate_limit_rps", "a date"]],
    ["[rate_limit_rps]", ["rate_limit_rps", "a table"]],
    ['log_level = "loud"', ["log_level", '"loud"', '"debug" or "info"']],
    ['on_disconnect = "ignore"', ["on_disconnect", '"cancel" or "drain"']],
    ['listen = "nonsense"', ["listen", '"nonsense"', "host:port"]],
    ['listen = "0.0.0.0:65536"', ["listen", "65535"]],
    ['listen = "300.0.0.1:80"', ["listen"]],
    ['listen = "::1:80"', ["listen"]],
    ["listen = 8080", ["listen", "8080"]],
    ['nats_url = "nats://localhost:4222"', ["nats_url", "ws:// or wss://"]],
    ['nats_url = "ws://a:1,nats://b:2"', ["nats_url", "ws:// or wss://"]],
    ['nats_url = "ws://a:1,"', ["nats_url", "ws:// or wss://"]],
    ['nats_url = "wss://u:p%zz@h:1"', ["nats_url", "%25"]],
    ['otlp_endpoint = "http://u:p%zz@h:1"', ["otlp_endpoint", "%25"]],
    ['otlp_endpoint = "collector:4318"', ["otlp_endpoint", "http://"]],
    ['managed_paths = "/x"', ["managed_paths", "a list"]],
    ['managed_paths = ["/x", "y"]', ["managed_paths[1]", '"y"']],
    ['managed_paths = ["/x/../y"]', ["managed_paths[0]"]],
    ['managed_paths = ["/%2e%2E/y"]', ["managed_paths[0]"]],
    ['pool_keys = ["x"]', ["pool_keys", "a list"]],
    ["[pool_keys]\nopenai = 5", ["pool_keys.openai", "a number"]],
    ['[pool_keys]\nopenia = "x"', ["pool_keys.openia", '"openai"', "provider_authorities"]],
    ['[pool_keys]\nOpenAI = "x"', ["pool_keys.OpenAI", '"openai"']],
    ['[pool_keys]\nconstructor = "x"', ["pool_keys.constructor"]],
    ['[provider_dialects]\nnobody = "openai"', ["provider_dialects.nobody"]],
    ['[provider_dialects]\nopenai = "gemini"', ["provider_dialects.openai", '"gemini"', '"anthropic"']],
    ['[provider_auth_schemes]\nopenai = "basic"', ["provider_auth_schemes.openai", '"x-api-key"']],
    ['[provider_base_paths]\nopenai = "v1"', ["provider_base_paths.openai", '"v1"']],
    ['[provider_base_paths]\nopenai = "//v1"', ["provider_base_paths.openai"]],
    ['[provider_usage_injection]\nopenai = "yes"', ["provider_usage_injection.openai", "true or false"]],
    [
      '[provider_authorities]\nopenai = "https://api.openai.com"',
      ["provider_authorities.openai", "without https://"],
    ],
    ['[provider_authorities]\nopenai = "host:0"', ["provider_authorities.openai"]],
    ['[provider_authorities]\nopenai = ""', ["provider_authorities.openai"]],
    ["[provider_authorities]\nopenai = 443", ["provider_authorities.openai"]],
    ['[provider_authorities]\nMy-LLM = "host"', ["provider_authorities", '"My-LLM"', "lower-case"]],
    ['[provider_authorities]\nv1 = "host"', ["provider_authorities", '"v1"']],
    ['[provider_authorities]\n"a/b" = "host"', ["provider_authorities", '"a/b"']],
    ['[signing_keys]\n1 = "AQ=="', ["signing_keys", "key 1", "32"]],
    ['[signing_keys]\n01 = "AQ=="', ["signing_keys", '"01"']],
    ["[signing_keys]\n1 = 5", ["signing_keys.1", "a number"]],
    ["require_signing_keys = true", ["require_signing_keys", "signing_keys", "keygen"]],
  ])("for %j names the key and what is allowed", (toml, parts) => {
    const message = refusal(toml);
    for (const part of parts) expect(message).toContain(part);
  });

  it.each([
    [{ AI_RATE_LIMIT_RPS: "fast" }, ["rate_limit_rps", "AI_RATE_LIMIT_RPS", '"fast"']],
    [{ AI_RATE_LIMIT_RPS: "1e3" }, ["rate_limit_rps", '"1e3"']],
    [{ AI_UPSTREAM_TLS: "no" }, ["upstream_tls", '"no"', "true or false"]],
    [{ AI_SIGNING_KEYS: "{" }, ["signing_keys", "AI_SIGNING_KEYS", "JSON"]],
    [{ AI_SIGNING_KEYS: "[]" }, ["signing_keys", "a list"]],
    [{ AI_MANAGED_PATHS: "/x" }, ["managed_paths", "JSON"]],
    [{ AI_POOL_KEY_OPENIA: "k" }, ["AI_POOL_KEY_OPENIA", '"openai"']],
    [{ AI_SIGNING_KEY_X: good }, ["signing_keys", '"X"']],
    [
      { AI_PROVIDER_AUTHORITY_OPENAI: "a b" },
      ["provider_authorities.openai", "AI_PROVIDER_AUTHORITY_OPENAI"],
    ],
  ])("for the variables %j names the variable too", (env, parts) => {
    const message = refusal("", env);
    for (const part of parts) expect(message).toContain(part);
  });

  it.each([
    "a = ",
    'listen = "x',
    "[pool_keys\n",
    "rate_limit_rps = 5\nrate_limit_rps = 6",
    "verify_rps = 99999999999999999999",
  ])("for the broken file %j names the line", (toml) => {
    expect(refusal(`# a comment\n${toml}`)).toMatch(/no TOML: line [0-9]+, column [0-9]+: \w/);
  });

  const secret = "sk-S3CRET";
  it.each<[string, Env]>([
    [`[pool_keys]\nopenai = "${secret}\\n"`, {}],
    [`[pool_keys]\nopenai = ["ok", "${secret} x"]`, {}],
    [`[pool_keys]\nopenai = "${secret}`, {}],
    [`[pool_keys]\nopenai = { key = "${secret}" }`, {}],
    [`pool_keys = "${secret}"`, {}],
    [`admin_token = "${secret} x"`, {}],
    [`[signing_keys]\n1 = "${secret}"`, {}],
    [`nats_url = "nats://u:${secret}@h"`, {}],
    [`otlp_endpoint = "ftp://u:${secret}@h"`, {}],
    [`[provider_authorities]\nx = "https://u:${secret}@h"`, {}],
    ["", { AI_POOL_KEYS: `{"openai":"${secret}"` }],
    ["", { AI_POOL_KEYS: secret }],
    ["", { AI_POOL_KEY_OPENAI: `["${secret}` }],
    ["", { AI_POOL_KEY_OPENAI: `${secret} ` }],
    ["", { AI_POOL_KEY_NOBODY: secret }],
    ["", { AI_ADMIN_TOKEN: `${secret}\n` }],
  ])("holds no secret: %j %j", (toml, env) => {
    expect(refusal(toml, env)).not.toContain("S3CRET");
  });

  it("is the only thing that any file makes it throw", () => {
    const line = fc.constantFrom(
      "listen",
      "pool_keys",
      "[pool_keys]",
      "[signing_keys]",
      "openai",
      "1",
      "=",
      '"x"',
      "5",
      "[",
      "]",
      "{",
      "}",
      "\n",
      "true",
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (parts) => {
        try {
          load(parts.join(" "));
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("warnings", () => {
  it("name the given keys that do nothing on the runtime", () => {
    const toml =
      'metrics_listen = "127.0.0.1:0"\nconnect_timeout_secs = 1\nwrite_timeout_secs = 1\nidle_timeout_secs = 1\notlp_endpoint = "http://h:4318"';
    expect(
      load(toml, { AI_WORKERS: "2" }, "workers")
        .warnings.map((line) => line.split(" ")[0])
        .sort(),
    ).toEqual([
      "connect_timeout_secs",
      "idle_timeout_secs",
      "metrics_listen",
      "otlp_endpoint",
      "workers",
      "write_timeout_secs",
    ]);
    expect(load(toml, {}, "node").warnings).toEqual([]);
    expect(load("workers = 2", {}, "node").warnings).toEqual([]);
    expect(load("workers = 2", {}, "bun").warnings).toEqual(["workers has no effect on bun"]);
    expect(load("deny_cache_secs = 5", {}, "bun").warnings).toEqual(["deny_cache_secs has no effect on bun"]);
  });

  it("tell of plaintext upstreams", () => {
    expect(load("upstream_tls = false").warnings).toEqual([expect.stringContaining("upstream_tls")]);
  });

  it("tell of the drain cap on Workers, where 25 s are kept to either way", () => {
    expect(load("", {}, "workers")).toMatchObject({ warnings: [], config: { drainMaxSecs: 25 } });
    const capped = load("drain_max_secs = 26", {}, "workers");
    expect(capped.config.drainMaxSecs).toBe(25);
    expect(capped.warnings).toEqual([expect.stringContaining("drain_max_secs")]);
    expect(load("drain_max_secs = 20", {}, "workers")).toMatchObject({
      warnings: [],
      config: { drainMaxSecs: 20 },
    });
    expect(load("drain_max_secs = 60").config.drainMaxSecs).toBe(60);
  });

  it("tell of two sources of NATS credentials", () => {
    expect(load('nats_creds = "a"\nnats_creds_file = "b"').warnings).toEqual([
      expect.stringContaining("nats_creds_file"),
    ]);
  });
});

describe("configFrom", () => {
  it("gives an embedder the defaults, and reads options as the file's keys are read", () => {
    expect(configFrom({})).toEqual(load("").config);
    const config = configFrom({
      poolKeys: { openai: "a", xai: ["b"] },
      providerAuthorities: { "my-llm": "h" },
      providerBasePaths: { "my-llm": "/" },
      listen: "127.0.0.1:1",
      natsUrl: undefined,
      rateLimitRps: undefined,
    });
    expect(config).toMatchObject({
      poolKeys: { openai: ["a"], xai: ["b"] },
      providerAuthorities: { "my-llm": "h:443" },
      providerBasePaths: { "my-llm": [""] },
      listen: { host: "127.0.0.1", port: 1 },
      rateLimitRps: 100,
    });
  });

  it.each<[object, string[]]>([
    [{ rateLimit: 5 }, ["unknown option", '"rateLimit"', '"rateLimitRps"']],
    [{ rateLimitRps: "5" }, ["rateLimitRps", '"5"']],
    [{ poolKeys: { openai: undefined } }, ["poolKeys.openai", "undefined"]],
    [{ poolKeys: { nobody: "k" } }, ["poolKeys.nobody", "providerAuthorities"]],
    [{ signingKeys: { 1: "AQ==" } }, ["signingKeys", "32"]],
    [{ requireSigningKeys: true }, ["requireSigningKeys", "signingKeys"]],
  ])("refuses %j by the option's name", (values, parts) => {
    const { message } = thrown(() => configFrom(values));
    for (const part of parts) expect(message).toContain(part);
  });

  it("reads no variables of the process", () => {
    expect(configFrom({}).poolKeys).toEqual({});
  });
});
