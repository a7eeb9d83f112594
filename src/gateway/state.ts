/**
 * What one gateway keeps between requests. Two gateways in one process share no limits, keys or counts; what is global are
 * parsers for small bodies, which are reset before each use.
 */
import type { Config } from "../config/keys.ts";
import { buildProviders, type Provider } from "../config/providers.ts";
import { createKeyring } from "../keys/keyring.ts";
import { createVerifier, type Verifier } from "../keys/verifier.ts";
import type { Breaker } from "../limit/breaker.ts";
import type { AggregateCeiling, Ceilings } from "../limit/ceiling.ts";
import { type Limits, OWN_LIMITS } from "../limit/limits.ts";
import { type Budget, createBudget } from "./budget.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { AllowCredential, Clock, CreateDecoder, DenySource, Log, VerifySignature } from "./ports.ts";
import { createRequestIds } from "./request-id.ts";
import { createRouter, type Router } from "./routing.ts";
import type { UsageRow } from "./row.ts";
import { createTimestamps } from "./timestamp.ts";
import type { StartSpan } from "./tracing.ts";

/** Everything that follows from the config. Replaced whole on a reload; a request keeps the one it was admitted under. */
export interface Settings {
  readonly config: Config;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly router: Router;
  readonly poolKeys: ReadonlyMap<string, readonly string[]>;
  readonly verifier: Verifier;
  readonly ceilings: Ceilings;
  readonly byoCeiling: AggregateCeiling;
  readonly verifyCeiling: AggregateCeiling;
  readonly breakers: ReadonlyMap<string, Breaker>;
}

/** The ports a runtime or an embedder supplies. */
export interface Ports {
  readonly deny: DenySource;
  readonly clock: Clock;
  readonly verify: VerifySignature;
  readonly createDecoder: CreateDecoder;
  readonly log: Log;
  /** Stands in for the gateway's own per-credential ceiling. */
  readonly allowCredential?: AllowCredential | undefined;
  /** Makes the ceilings and breakers; absent: this gateway's own. */
  readonly limits?: Limits | undefined;
  /** Given every row; may throw or reject, which is counted. */
  readonly onUsage: (row: UsageRow) => void | Promise<void>;
  /** Makes a span of every admitted request; absent: none. */
  readonly startSpan?: StartSpan | undefined;
}

export interface GatewayState extends Ports {
  settings: Settings;
  draining: boolean;
  readonly budget: Budget;
  readonly metrics: Metrics;
  readonly nextRequestId: () => string;
  /** The time now, as rows have it. */
  readonly timestamp: () => string;
  /** Hands a row to the sink; a sink that fails is counted and harms nobody. */
  readonly emitRow: (row: UsageRow) => void;
}

export function createState(config: Config, ports: Ports): GatewayState {
  const nextId = createRequestIds();
  const formatTime = createTimestamps();
  const state: GatewayState = {
    ...ports,
    settings: buildSettings(config, ports),
    draining: false,
    budget: createBudget(() => state.settings.config.maxBufferedBytes),
    metrics: createMetrics({
      denySetSize: () => ports.deny.size?.() ?? 0,
      denyConnected: () =>
        state.settings.config.natsUrl === undefined ? undefined : ports.deny.connected?.(),
      openCircuits: () => openCircuits(state),
    }),
    nextRequestId: () => nextId(ports.clock.now()),
    timestamp: () => formatTime(ports.clock.now()),
    emitRow: (row) => emitRow(state, row),
  };
  return state;
}

function emitRow({ metrics, onUsage, log }: GatewayState, row: UsageRow): void {
  metrics.rows.add(1, row.usage_source);
  const lost = (error: unknown): void => {
    metrics.writeErrors.add();
    log("error", "a usage row was lost: its sink failed", {
      request_id: row.request_id,
      error: String(error),
    });
  };
  try {
    const written = onUsage(row);
    if (written) written.catch(lost);
  } catch (error) {
    lost(error);
  }
}

/**
 * Swaps in a new config without touching requests in flight. What the change does not concern goes on as it stands:
 * ceilings, breakers, and tokens remembered under a signing key that is still trusted.
 */
export function reconfigure(state: GatewayState, config: Config): void {
  state.settings = buildSettings(config, state, state.settings);
}

/** `old` is handed on piece by piece, wherever the setting that shapes the piece is the same. */
function buildSettings(
  config: Config,
  { verify, limits = OWN_LIMITS }: Pick<Ports, "verify" | "limits">,
  old?: Settings,
): Settings {
  const providers = buildProviders(config);
  const keyring = createKeyring(config.signingKeys);
  const keep = <T>(field: keyof Config, piece: T | undefined, make: () => T): T =>
    piece !== undefined && old?.config[field] === config[field] ? piece : make();
  return {
    config,
    providers,
    router: createRouter(providers, config.managedPaths),
    poolKeys: new Map(Object.entries(config.poolKeys).filter(([, keys]) => keys.length > 0)),
    verifier: old ? old.verifier.withKeyring(keyring) : createVerifier({ keyring, verify }),
    ceilings: keep("rateLimitRps", old?.ceilings, () => limits.ceilings(config.rateLimitRps)),
    byoCeiling: keep("byoRateLimitRps", old?.byoCeiling, () =>
      limits.aggregate("byo", config.byoRateLimitRps),
    ),
    verifyCeiling: keep("verifyRps", old?.verifyCeiling, () => limits.aggregate("verify", config.verifyRps)),
    breakers: new Map(
      [...providers.values()].map((provider) => [provider.name, breakerFor(config, limits, provider, old)]),
    ),
  };
}

/** A breaker is about one place: another authority under the same name begins anew. */
function breakerFor(
  config: Config,
  limits: Limits,
  { name, authority }: Provider,
  old: Settings | undefined,
): Breaker {
  const kept = old?.providers.get(name)?.authority === authority && isSameBreaker(old.config, config);
  return (
    (kept ? old.breakers.get(name) : undefined) ??
    limits.breaker(name, {
      threshold: config.circuitBreakerThreshold,
      windowMs: config.circuitBreakerWindowSecs * 1000,
      resetMs: config.circuitBreakerResetSecs * 1000,
    })
  );
}

const isSameBreaker = (a: Config, b: Config): boolean =>
  a.circuitBreakerThreshold === b.circuitBreakerThreshold &&
  a.circuitBreakerWindowSecs === b.circuitBreakerWindowSecs &&
  a.circuitBreakerResetSecs === b.circuitBreakerResetSecs;

function* openCircuits(state: GatewayState): Iterable<readonly [string, boolean]> {
  const nowMs = state.clock.monotonic();
  for (const [name, breaker] of state.settings.breakers) yield [name, breaker.isOpen(nowMs)];
}
