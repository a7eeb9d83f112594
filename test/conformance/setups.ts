/** The configurations that the suite starts its gateways with, in the words of gateway.md §11. */

import { CLOSED_PORT } from "../support/closed-port.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import type { GatewaySetup } from "../support/gateway-process.ts";
import { mint } from "../support/mint.ts";

/** The rows of the provider table and their native base path. */
export const PROVIDERS = {
  openai: "/v1",
  anthropic: "/v1",
  openrouter: "/api/v1",
  fireworks: "/inference/v1",
  groq: "/openai/v1",
  deepseek: "/v1",
  together: "/v1",
  cerebras: "/v1",
  mistral: "/v1",
  xai: "/v1",
} as const;

/** Providers that only the suite's config knows. */
const ADDED = ["my-llm", "quiet-llm", "key-llm", "keyless", "dead-host"] as const;

/** The providers that must be asked for usage; config rows are asked too. */
export const ASKED = new Set(["openai", "openrouter", "deepseek", "xai", "my-llm"]);

/** Tenants and keys that the deny-set stops, by what for. */
export const DENIED = {
  spend: mint({ tenantId: "666" }),
  fraud: mint({ tenantId: "667" }),
  unknownReason: mint({ tenantId: "668" }),
  keySpend: mint({ tenantId: "42", keyId: "13" }),
  keyOfDeniedTenant: mint({ tenantId: "666", keyId: "14" }),
} as const;

const DENY = {
  "blackhole.666": "spend",
  "blackhole.667": "fraud",
  "blackhole.668": "moon phase",
  "blackhole.key.13": '{"reason":"spend"}',
};

/** The pool key of a provider, as no other string in the suite. */
export function poolKey(provider: string): string {
  return `pool-${provider}-9c1185a5c5e9`;
}

/** No ceilings, no breaker, generous limits. */
export function baseSetup(standIn: string): GatewaySetup {
  const names = [...Object.keys(PROVIDERS), ...ADDED];
  const authorities = Object.fromEntries(names.map((name) => [name, standIn]));
  const withKeys = names.filter((name) => name !== "keyless");
  return {
    deny: DENY,
    config: {
      listen: "127.0.0.1:0",
      metrics_listen: "127.0.0.1:0",
      signing_keys: readKeyVectors().signing_keys,
      pool_keys: Object.fromEntries(withKeys.map((name) => [name, poolKey(name)])),
      provider_authorities: { ...authorities, "dead-host": CLOSED_PORT },
      provider_auth_schemes: { "key-llm": "api-key" },
      provider_usage_injection: { "quiet-llm": false },
      managed_paths: ["/audio/transcriptions", "/images/generations"],
      upstream_tls: false,
      rate_limit_rps: 0,
      byo_rate_limit_rps: 0,
      verify_rps: 100_000,
      circuit_breaker_threshold: 100_000,
      max_request_bytes: 256 * 1024 * 1024,
      shutdown_delay_secs: 0,
      shutdown_grace_period_secs: 5,
    },
  };
}

/** The limits of the strict gateway, which tests count against. */
export const STRICT = { maxRequestBytes: 1000, byoMaxRequestBytes: 2000, breakerThreshold: 3 } as const;

/** Small bodies, little patience (but enough for a machine that stalls), a breaker that opens soon. */
export function strictSetup(standIn: string): GatewaySetup {
  const { config, ...rest } = baseSetup(standIn);
  return {
    ...rest,
    config: {
      ...config,
      max_request_bytes: STRICT.maxRequestBytes,
      byo_max_request_bytes: STRICT.byoMaxRequestBytes,
      read_timeout_secs: 2,
      circuit_breaker_threshold: STRICT.breakerThreshold,
      circuit_breaker_reset_secs: 3,
    },
  };
}

/** Low rates. */
export function ceilingsSetup(standIn: string): GatewaySetup {
  const { config, ...rest } = baseSetup(standIn);
  return { ...rest, config: { ...config, rate_limit_rps: 2, byo_rate_limit_rps: 3, verify_rps: 5 } };
}
