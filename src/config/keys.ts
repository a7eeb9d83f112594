/** Every config key as a row of data: the parser, `--help`, the README and config.example.toml all read this table. */

import type { ListenAddress } from "./address.ts";
import {
  authority,
  basePath,
  choice,
  flag,
  integer,
  type Kind,
  listenAddress,
  listOf,
  managedPath,
  oneOrList,
  optional,
  seconds,
  secretText,
  secretToken,
  signingKey,
  tableOf,
  text,
  url,
  urlList,
} from "./kinds.ts";
import type { ProviderSettings, Table } from "./providers.ts";

export type Runtime = "node" | "bun" | "workers";

/** What the gateway runs with. Fields are the keys of gateway.md §11 in camel case, their units in their names. */
export interface Config extends ProviderSettings {
  readonly listen: ListenAddress;
  readonly metricsListen: ListenAddress;
  readonly adminToken: string | undefined;
  /** kid → public key as base64 text; `createKeyring` has accepted it. */
  readonly signingKeys: Table<string>;
  readonly requireSigningKeys: boolean;
  /** Provider name → its keys, in the order of preference. */
  readonly poolKeys: Table<readonly string[]>;
  readonly managedPaths: readonly string[];
  readonly natsUrl: string | undefined;
  readonly natsCreds: string | undefined;
  readonly natsCredsFile: string | undefined;
  readonly configBucket: string;
  readonly snapshotPath: string | undefined;
  readonly denyRescanSecs: number;
  readonly denyCacheSecs: number;
  readonly denyLookupTimeoutMs: number;
  readonly rateLimitRps: number;
  readonly byoRateLimitRps: number;
  readonly verifyRps: number;
  readonly circuitBreakerThreshold: number;
  readonly circuitBreakerWindowSecs: number;
  readonly circuitBreakerResetSecs: number;
  readonly maxRequestBytes: number;
  readonly byoMaxRequestBytes: number;
  readonly maxBufferedBytes: number;
  readonly connectTimeoutSecs: number;
  readonly readTimeoutSecs: number;
  readonly writeTimeoutSecs: number;
  readonly idleTimeoutSecs: number;
  readonly upstreamTls: boolean;
  readonly upstreamHttp2: boolean;
  readonly drainMaxBytes: number;
  readonly drainMaxSecs: number;
  readonly shutdownDelaySecs: number;
  readonly shutdownGracePeriodSecs: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly workers: number;
  readonly otlpEndpoint: string | undefined;
}

/** One key. Its name in the file and its variable follow from the field (`keyName`, `variableName`). */
export interface ConfigKey<T> {
  readonly kind: Kind<T>;
  /** As the file would say it; `undefined` is unset. */
  readonly default:
    | string
    | number
    | boolean
    | readonly string[]
    | Readonly<Record<string, never>>
    | undefined;
  /** One line. */
  readonly doc: string;
  /** Never printed. A URL keeps its host and path. */
  readonly secret?: "whole" | "url";
  /** Runtimes where it is read but does nothing. */
  readonly noEffectOn?: readonly Runtime[];
}

/** The table's own type ties every row to a field of `Config`: a row too many or too few does not compile. */
type ConfigKeys = { readonly [F in keyof Config]: ConfigKey<Config[F]> };

/** The tables whose entries have variables of their own: the variable's prefix, and what it holds. */
export const ENTRY_VARIABLES = {
  signingKeys: { prefix: "AI_SIGNING_KEY_", kind: signingKey },
  poolKeys: { prefix: "AI_POOL_KEY_", kind: oneOrList(secretToken) },
  providerAuthorities: { prefix: "AI_PROVIDER_AUTHORITY_", kind: authority },
} as const;

export const natsServers = urlList("ws", "wss");
const onDisconnect = choice("cancel", "drain");
/** The runtimes that a key does nothing on, named for those that it is for. */
const FOR_SERVERS = ["workers"] as const;
const FOR_WORKERS = ["node", "bun"] as const;
const FOR_NODE = ["bun", "workers"] as const;

export const CONFIG_KEYS: ConfigKeys = {
  listen: { kind: listenAddress, default: "0.0.0.0:8080", doc: "Where the gateway listens." },
  metricsListen: {
    kind: listenAddress,
    default: "0.0.0.0:9090",
    noEffectOn: FOR_SERVERS,
    doc: "Where /livez, /readyz, /metrics and the live page listen.",
  },
  adminToken: {
    kind: optional(secretToken),
    default: undefined,
    secret: "whole",
    noEffectOn: FOR_SERVERS,
    doc: "Bearer token that opens the live page to others than loopback.",
  },
  signingKeys: {
    kind: tableOf(ENTRY_VARIABLES.signingKeys.kind, "a kid (0 to 4294967295)"),
    default: {},
    doc: "Ed25519 public keys (32 bytes as base64 or base64url) that virtual keys are verified with, by kid.",
  },
  requireSigningKeys: { kind: flag, default: false, doc: "Refuse to start without a signing key." },
  poolKeys: {
    kind: tableOf(ENTRY_VARIABLES.poolKeys.kind, "a provider"),
    default: {},
    secret: "whole",
    doc: "The provider keys that managed requests go up with, one or a list for each provider.",
  },
  providerAuthorities: {
    kind: tableOf(ENTRY_VARIABLES.providerAuthorities.kind, "a provider"),
    default: {},
    doc: "Where a provider is (host:port, 443 when left out); a new name adds a provider.",
  },
  providerDialects: {
    kind: tableOf(choice("openai", "anthropic"), "a provider"),
    default: {},
    doc: "The wire a provider speaks where the path does not say.",
  },
  providerAuthSchemes: {
    kind: tableOf(choice("bearer", "x-api-key", "api-key"), "a provider"),
    default: {},
    doc: "How the pool key is sent: bearer, x-api-key or api-key.",
  },
  providerBasePaths: {
    kind: tableOf(oneOrList(basePath), "a provider"),
    default: {},
    doc: "The paths in front of /chat/completions and the like, native one first.",
  },
  providerUsageInjection: {
    kind: tableOf(flag, "a provider"),
    default: {},
    doc: "Whether chat streams must be asked for usage.",
  },
  managedPaths: {
    kind: listOf(managedPath),
    default: [],
    doc: "More endpoints (POST, below a base path) that managed keys may reach.",
  },
  natsUrl: {
    kind: optional(natsServers),
    default: undefined,
    secret: "url",
    noEffectOn: FOR_SERVERS,
    doc: "NATS server that holds the deny-set (its WebSocket listener); several separated by commas.",
  },
  natsCreds: {
    kind: optional(secretText),
    default: undefined,
    secret: "whole",
    noEffectOn: FOR_SERVERS,
    doc: "The text of a NATS credentials file.",
  },
  natsCredsFile: {
    kind: optional(text),
    default: undefined,
    noEffectOn: FOR_SERVERS,
    doc: "Path of a NATS credentials file.",
  },
  configBucket: {
    kind: text,
    default: "ai-gateway",
    noEffectOn: FOR_SERVERS,
    doc: "JetStream key-value bucket of the deny-set.",
  },
  snapshotPath: {
    kind: optional(text),
    default: undefined,
    noEffectOn: FOR_SERVERS,
    doc: "Deny-set file: the cold-start cache beside NATS, the source without it.",
  },
  denyRescanSecs: {
    kind: seconds("positive"),
    default: 300,
    noEffectOn: FOR_SERVERS,
    doc: "Time between two full scans of the NATS bucket.",
  },
  denyCacheSecs: {
    kind: seconds("zero"),
    default: 30,
    noEffectOn: FOR_WORKERS,
    doc: "How long an isolate keeps an answer of Workers KV.",
  },
  denyLookupTimeoutMs: {
    kind: integer(0, 60_000),
    default: 250,
    noEffectOn: FOR_WORKERS,
    doc: "How long a request waits for Workers KV before it goes on (fails open).",
  },
  rateLimitRps: {
    kind: integer(0, 1_000_000),
    default: 100,
    doc: "Requests a second for each credential; 0: no ceiling.",
  },
  byoRateLimitRps: {
    kind: integer(0, 1_000_000),
    default: 1000,
    doc: "Requests a second for all BYO credentials together; 0: no ceiling.",
  },
  verifyRps: {
    kind: integer(0, 1_000_000),
    default: 2000,
    doc: "Signature verifications a second for tokens not seen before; 0: no ceiling.",
  },
  circuitBreakerThreshold: {
    kind: integer(0, 100_000),
    default: 20,
    doc: "Failures of a provider within the window that open its breaker; 0: no breaker.",
  },
  circuitBreakerWindowSecs: {
    kind: seconds("positive"),
    default: 10,
    doc: "The breaker's sliding window.",
  },
  circuitBreakerResetSecs: {
    kind: seconds("positive"),
    default: 30,
    doc: "How long a breaker stays open before one probe.",
  },
  maxRequestBytes: { kind: integer(1), default: 104_857_600, doc: "Largest request body of a managed key." },
  byoMaxRequestBytes: {
    kind: integer(0),
    default: 0,
    doc: "Largest request body of a BYO credential; 0: no limit.",
  },
  maxBufferedBytes: {
    kind: integer(1),
    default: 268_435_456,
    doc: "Bytes that all requests together may hold in memory.",
  },
  connectTimeoutSecs: {
    kind: seconds("positive"),
    default: 10,
    noEffectOn: FOR_SERVERS,
    doc: "To connect to a provider.",
  },
  readTimeoutSecs: {
    kind: seconds("positive"),
    default: 600,
    doc: "To a provider's response head, and between two chunks of its body.",
  },
  writeTimeoutSecs: {
    kind: seconds("positive"),
    default: 60,
    noEffectOn: FOR_SERVERS,
    doc: "For a provider to take the next part of a request body.",
  },
  idleTimeoutSecs: {
    kind: seconds("positive"),
    default: 90,
    noEffectOn: FOR_SERVERS,
    doc: "How long an unused provider connection is kept.",
  },
  upstreamTls: { kind: flag, default: true, doc: "False only for a plaintext mock provider." },
  upstreamHttp2: {
    kind: flag,
    default: false,
    noEffectOn: FOR_NODE,
    doc: "Offer HTTP/2 to providers.",
  },
  onDisconnect: {
    kind: onDisconnect,
    default: "cancel",
    doc: "When the client leaves: cancel the provider's request, or drain it to its usage.",
  },
  providerOnDisconnect: {
    kind: tableOf(onDisconnect, "a provider"),
    default: {},
    doc: "on_disconnect for one provider.",
  },
  drainMaxBytes: { kind: integer(0), default: 1_048_576, doc: "Most bytes read after the client left." },
  drainMaxSecs: {
    kind: seconds("zero"),
    default: 30,
    doc: "Longest reading after the client left; at most 25 on Workers.",
  },
  shutdownDelaySecs: {
    kind: seconds("zero"),
    default: 5,
    noEffectOn: FOR_SERVERS,
    doc: "How long connections are still accepted after readyz flips.",
  },
  shutdownGracePeriodSecs: {
    kind: seconds("zero"),
    default: 600,
    noEffectOn: FOR_SERVERS,
    doc: "How long streams may finish on shutdown.",
  },
  logLevel: {
    kind: choice("debug", "info", "warn", "error"),
    default: "info",
    doc: "Minimum level written to stderr; rows are never filtered.",
  },
  workers: {
    kind: integer(1, 1024),
    default: 1,
    noEffectOn: FOR_NODE,
    doc: "Processes that share the port, one for each core that is to be used.",
  },
  otlpEndpoint: {
    kind: optional(url("http", "https")),
    default: undefined,
    secret: "url",
    noEffectOn: FOR_SERVERS,
    doc: "OpenTelemetry collector (OTLP over HTTP).",
  },
};

/** The fields in the order of the table. */
export const CONFIG_FIELDS = Object.keys(CONFIG_KEYS) as readonly (keyof Config)[]; // its type says so: a closed literal

/** `rateLimitRps` → `rate_limit_rps`, as the file spells it. */
export const keyName = (field: keyof Config): string =>
  field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `rateLimitRps` → `AI_RATE_LIMIT_RPS`. */
export const variableName = (field: keyof Config): string => `AI_${keyName(field).toUpperCase()}`;
