/** What one gateway keeps between requests. Nothing is global: two gateways in one process share nothing. */
import type { Config } from "../config/keys.ts";
import { buildProviders, type Provider } from "../config/providers.ts";
import { createKeyring } from "../keys/keyring.ts";
import { createVerifier, type Verifier } from "../keys/verifier.ts";
import { type Breaker, createBreaker } from "../limit/breaker.ts";
import {
  type AggregateCeiling,
  type Ceilings,
  createAggregateCeiling,
  createCeilings,
} from "../limit/ceiling.ts";
import { type Budget, createBudget } from "./budget.ts";
import { createMetrics, label, type Metrics } from "./metrics.ts";
import type { AllowCredential, Clock, CreateDecoder, DenySource, Log, VerifySignature } from "./ports.ts";
import { createRequestIds } from "./request-id.ts";
import type { UsageRow } from "./row.ts";
import type { StartSpan } from "./tracing.ts";

/** Everything that follows from the config. Replaced whole on a reload; a request keeps the one it was admitted under. */
export interface Settings {
  readonly config: Config;
  readonly providers: ReadonlyMap<string, Provider>;
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
  /** Hands a row to the sink; a sink that fails is counted and harms nobody. */
  readonly emitRow: (row: UsageRow) => void;
}

export function createState(config: Config, ports: Ports): GatewayState {
  const nextId = createRequestIds();
  const state: GatewayState = {
    ...ports,
    settings: buildSettings(config, ports.verify),
    draining: false,
    budget: createBudget(() => state.settings.config.maxBufferedBytes),
    metrics: createMetrics({
      denySetSize: () => ports.deny.size?.() ?? 0,
      denyConnected: () => (state.settings.config.natsUrl === undefined ? undefined : ports.deny.connected?.()),
      openCircuits: () => openCircuits(state),
    }),
    nextRequestId: () => nextId(ports.clock.now()),
    emitRow: (row) => emitRow(state, row),
  };
  return state;
}

function emitRow({ metrics, onUsage, log }: GatewayState, row: UsageRow): void {
  metrics.rows.add(1, label("usage_source", row.usage_source));
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

/** Swaps in a new config without touching requests in flight. Breakers and ceilings begin anew. */
export function reconfigure(state: GatewayState, config: Config): void {
  state.settings = buildSettings(config, state.verify);
}

function buildSettings(config: Config, verify: VerifySignature): Settings {
  const providers = buildProviders(config);
  const names = [...providers.keys()];
  return {
    config,
    providers,
    poolKeys: new Map(Object.entries(config.poolKeys).filter(([, keys]) => keys.length > 0)),
    verifier: createVerifier({ keyring: createKeyring(config.signingKeys), verify }),
    ceilings: createCeilings({ rps: config.rateLimitRps }),
    byoCeiling: createAggregateCeiling({ rps: config.byoRateLimitRps }),
    verifyCeiling: createAggregateCeiling({ rps: config.verifyRps }),
    breakers: new Map(names.map((name) => [name, breakerFor(config)])),
  };
}

const breakerFor = (config: Config): Breaker =>
  createBreaker({
    threshold: config.circuitBreakerThreshold,
    windowMs: config.circuitBreakerWindowSecs * 1000,
    resetMs: config.circuitBreakerResetSecs * 1000,
  });

function* openCircuits(state: GatewayState): Iterable<readonly [string, boolean]> {
  const nowMs = state.clock.monotonic();
  for (const [name, breaker] of state.settings.breakers) yield [name, breaker.isOpen(nowMs)];
}
