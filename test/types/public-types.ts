/** The public types as an embedder meets them. It compiles or it fails; nothing here runs. */
import { Hono } from "hono";
import {
  type AllowCredential,
  type BodyDecoder,
  type Config,
  type ConfigError,
  type CreateDecoder,
  createFetchUpstream,
  createGateway,
  type DenySource,
  formatRow,
  type Gateway,
  type GatewayOptions,
  type mintVirtualKey,
  type Outcome,
  type Upstream,
  UpstreamError,
  type UsageRow,
} from "../../src/index.ts";

/** Fails to compile unless both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;
const same = <A, B>(_proof: Same<A, B>): void => {};

// Everything has a default; each option is a key of the config in camel case, or a port.
createGateway();
createGateway({
  signingKeys: { 1: "base64" },
  poolKeys: { openai: "one", anthropic: ["one", "two"] },
  providerAuthorities: { "my-llm": "10.0.0.1:8000" },
  providerBasePaths: { "my-llm": ["/v1", "/other/v1"] },
  providerDialects: { "my-llm": "anthropic" },
  rateLimitRps: 10,
  onDisconnect: "drain",
  deny: { lookup: () => "spend" },
  clock: { now: () => 0, monotonic: () => 0 },
  log: (level, message, fields) => console.error(level, message, fields?.request_id),
  onUsage: async (row) => console.log(formatRow(row)),
  upstream: createFetchUpstream({ fetch }),
});

// @ts-expect-error an option that does not exist
createGateway({ rateLimit: 10 });
// @ts-expect-error an option of the servers
createGateway({ natsUrl: "ws://nats:8080" });
// @ts-expect-error a value of another type
createGateway({ rateLimitRps: "10" });
// @ts-expect-error a reason that does not exist
createGateway({ deny: { lookup: () => "because" } });
createGateway({
  onUsage: (row) => {
    // @ts-expect-error rows are read, not written
    row.tenant_id = "1";
  },
});

// What comes back is a Hono app with its metrics.
const gateway: Gateway = createGateway();
same<ReturnType<Gateway["metrics"]>, string>(true);
new Hono().route("/ai", gateway).mount("/other", gateway.fetch);
export default { fetch: gateway.fetch };

// Rows: u64 ids are text, counts are numbers that may be absent.
same<UsageRow["tenant_id"], string>(true);
same<UsageRow["key_id"], string | undefined>(true);
same<UsageRow["input_tokens"], number | undefined>(true);
same<UsageRow["outcome"], Outcome>(true);
same<Outcome, "ok" | "upstream_error" | "client_cancelled" | "cut_short">(true);
same<Parameters<NonNullable<GatewayOptions["onUsage"]>>, [row: UsageRow]>(true);

// Ports may answer at once or later.
const later: DenySource = {
  lookup: async (_tenantId, keyId) => (keyId === "7" ? "fraud" : undefined),
  size: () => 1,
};
createGateway({ deny: later });
const refusing: Upstream = { send: () => Promise.reject(new UpstreamError("upstream_unreachable")) };
createGateway({ upstream: refusing });

// Types that ports are made of have names.
same<Parameters<AllowCredential>, [credential: string]>(true);
same<ReturnType<CreateDecoder>, BodyDecoder | undefined>(true);

same<UpstreamError["code"], "upstream_unreachable" | "upstream_timeout">(true);
same<InstanceType<typeof ConfigError> extends Error ? true : false, true>(true);
same<Config["rateLimitRps"], number>(true);
same<ReturnType<typeof mintVirtualKey>, Promise<string>>(true);
