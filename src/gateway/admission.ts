/** Decides, before any byte goes to a provider, whether a request may pass: the checks in their order, on plain values. */
import type { Provider } from "../config/providers.ts";
import { type ParsedKey, parseVirtualKey, type VirtualKey } from "../keys/virtual-key.ts";
import type { Admission as BreakerAdmission } from "../limit/breaker.ts";
import { type Credential, findCredential, withoutCredential } from "./credentials.ts";
import type { Dialect, ErrorCode, Refusal } from "./errors.ts";
import { headersUpByo, headersUpManaged } from "./headers.ts";
import { type HeaderFacts, type Inbound, readHeaders } from "./inbound.ts";
import type { DenyReason, HeaderList } from "./ports.ts";
import type { Route } from "./routing.ts";
import type { GatewayState, Settings } from "./state.ts";

/** What a managed request carries beyond a BYO one. */
export interface ManagedPlan {
  readonly key: VirtualKey;
  readonly poolKeys: readonly string[];
  /** The provider bills tokens here, so a row without its count is estimated. */
  readonly billed: boolean;
}

/** An admitted request: everything that the relay needs, decided once. */
export interface Plan {
  readonly ok: true;
  readonly requestId: string;
  readonly settings: Settings;
  readonly route: Route;
  readonly provider: Provider;
  readonly dialect: Dialect;
  readonly method: string;
  /** As sent to the provider, without its query. */
  readonly path: string;
  readonly query: string;
  /** As they came from the client, credentials included. */
  readonly clientHeaders: HeaderList;
  /** The client's headers as they go up, without `content-length`; see `headersFor` for the pool key. */
  readonly headersFor: (poolKey: string | undefined) => string[];
  readonly contentType: string;
  /** Bytes the client declared; undefined when it did not. */
  readonly declaredLength: number | undefined;
  /** Largest body in bytes; 0 for no limit. */
  readonly maxBodyBytes: number;
  /** Absent for BYO. */
  readonly managed: ManagedPlan | undefined;
  /** How the provider's breaker let it through; the verdict goes back with it. */
  readonly breaker: BreakerAdmission;
  /** Milliseconds of the monotonic clock when the request came. */
  readonly startedMs: number;
}

export type Admission = Plan | Refusal;

/** Checks 0–9 of the contract. Synchronous unless the verifier or the deny source is not. */
export function admit(state: GatewayState, inbound: Inbound): Admission | Promise<Admission> {
  const request = new PendingRequest(state, inbound);
  const early = request.checkForm();
  if (early) return early;
  return whenReady(request.isUnderCeiling(), (isUnder) => {
    const refused = isUnder ? request.checkRates() : request.refuse("rate_limited");
    return refused ?? whenReady(request.verifyKey(), (key) => admitKey(state, request, key));
  });
}

/** Checks 5–9. `key` is undefined for BYO, and for a virtual key that does not verify. */
function admitKey(
  state: GatewayState,
  request: PendingRequest,
  key: VirtualKey | undefined,
): Admission | Promise<Admission> {
  if (!key && request.credential.managed) return request.refuse("invalid_key");
  return whenReady(key && state.deny.lookup(key.tenantId, key.keyId), (denied) =>
    denied === undefined ? request.checkReach(key) : request.refuse(codeOfDeny(denied)),
  );
}

const codeOfDeny = (reason: DenyReason): ErrorCode => (reason === "spend" ? "spend_denied" : "access_denied");

/** Goes on at once with a plain value: an `await` on the hot path costs more than the checks. */
function whenReady<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** One request on its way through the checks. */
class PendingRequest {
  readonly #state: GatewayState;
  readonly #settings: Settings;
  readonly #inbound: Inbound;
  readonly #facts: HeaderFacts;
  readonly #requestId: string;
  readonly #nowMs: number;
  #route: Route | undefined;
  #credential: Credential | undefined;
  #recalled: VirtualKey | undefined;
  #parsed: ParsedKey | undefined;

  constructor(state: GatewayState, inbound: Inbound) {
    this.#state = state;
    this.#settings = state.settings;
    this.#inbound = inbound;
    this.#facts = readHeaders(inbound.headers);
    this.#requestId = state.nextRequestId();
    this.#nowMs = state.clock.monotonic();
  }

  get credential(): Credential {
    return this.#credential!;
  }

  refuse(code: ErrorCode, extra?: Pick<Refusal, "retryAfterSecs" | "allow">): Refusal {
    const dialect = this.#route?.dialect ?? "openai";
    return { ok: false, code, dialect, requestId: this.#requestId, ...extra };
  }

  /** Checks 0–2. */
  checkForm(): Refusal | undefined {
    const { path, query } = this.#inbound;
    this.#credential = findCredential(this.#facts, query);
    // An Anthropic key must never reach another provider.
    const isAnthropic = this.#facts.anthropicVersion || (this.#credential?.byoInXApiKey ?? false);
    this.#route = this.#settings.router.route(path, isAnthropic);
    if (this.#state.draining) return this.refuse("draining");
    if (this.#state.budget.isUsedUp()) return this.refuse("overloaded");
    if (!this.#route) return this.refuse("unknown_provider");
    if (!this.#credential) return this.refuse("missing_key");
    return this.#facts.upgrade ? this.refuse("upgrade_not_supported") : undefined;
  }

  /** Check 3, the credential's own ceiling. */
  isUnderCeiling(): boolean | Promise<boolean> {
    const { value } = this.credential;
    return this.#state.allowCredential?.(value) ?? this.#settings.ceilings.allow(value, this.#nowMs);
  }

  /** The rest of check 3, and 4: nothing up to here costs a signature. */
  checkRates(): Refusal | undefined {
    return this.#checkShared(this.credential) ?? this.#checkDeclaredLength(this.credential);
  }

  #checkShared(credential: Credential): Refusal | undefined {
    const { byoCeiling, verifyCeiling, verifier } = this.#settings;
    if (!credential.managed)
      return byoCeiling.allow(this.#nowMs) ? undefined : this.refuse("byo_rate_limited");
    if (credential.ambiguous) return undefined;
    this.#recalled = verifier.recall(credential.value);
    if (this.#recalled) return undefined;
    this.#parsed = parseVirtualKey(credential.value);
    // Only what would cost a native verification is charged for one.
    if (!this.#parsed || !verifier.needsVerification(this.#parsed)) return undefined;
    return verifyCeiling.allow(this.#nowMs) ? undefined : this.refuse("rate_limited");
  }

  #checkDeclaredLength(credential: Credential): Refusal | undefined {
    const max = this.#maxBodyBytes(credential.managed);
    const declared = this.#facts.contentLength ?? 0;
    return max > 0 && declared > max ? this.refuse("body_too_large") : undefined;
  }

  #maxBodyBytes(managed: boolean): number {
    return managed ? this.#settings.config.maxRequestBytes : this.#settings.config.byoMaxRequestBytes;
  }

  /** Check 5. Undefined for BYO too. */
  verifyKey(): VirtualKey | undefined | Promise<VirtualKey | undefined> {
    if (this.#recalled || !this.#parsed) return this.#recalled;
    return this.#settings.verifier.verify(this.credential.value, this.#parsed);
  }

  /** Checks 7–9, and the plan. `key` is undefined for BYO. */
  checkReach(key: VirtualKey | undefined): Admission {
    // Two `authorization` values are refused for BYO as well: a provider might pick the other one.
    if (this.credential.ambiguous) return this.refuse("invalid_key");
    if (!key) return this.#passBreaker(undefined);
    const { provider } = this.#route!;
    const endpoint = this.#route!.reach(this.#inbound.method);
    if (!endpoint.ok && endpoint.allow) return this.refuse("method_not_allowed", { allow: endpoint.allow });
    if (!endpoint.ok) return this.refuse("endpoint_not_allowed");
    if (this.#facts.encoded) return this.refuse("unsupported_encoding");
    const poolKeys = this.#settings.poolKeys.get(provider.name);
    if (!poolKeys) return this.refuse("no_pool_key");
    return this.#passBreaker({ key, poolKeys, billed: endpoint.billed });
  }

  #passBreaker(managed: ManagedPlan | undefined): Admission {
    const breaker = this.#settings.breakers.get(this.#route!.provider.name)!;
    const admission = breaker.admit(this.#nowMs);
    if (admission !== "open") return this.#plan(managed, admission);
    return this.refuse("circuit_open", { retryAfterSecs: breaker.retryAfterSecs(this.#nowMs) });
  }

  #plan(managed: ManagedPlan | undefined, breaker: BreakerAdmission): Plan {
    const { headers, query, method } = this.#inbound;
    const route = this.#route!;
    const { provider, path, dialect } = route;
    const facts = this.#facts;
    const token = this.credential.value;
    return {
      ok: true,
      requestId: this.#requestId,
      settings: this.#settings,
      route,
      provider,
      dialect,
      method,
      path,
      query: managed ? withoutCredential(query, token) : query,
      clientHeaders: headers,
      headersFor: (poolKey) =>
        poolKey === undefined
          ? headersUpByo(headers, facts)
          : headersUpManaged(headers, facts, token, provider.authScheme, poolKey),
      contentType: facts.contentType,
      declaredLength: facts.contentLength,
      maxBodyBytes: this.#maxBodyBytes(managed !== undefined),
      managed,
      breaker,
      startedMs: this.#nowMs,
    };
  }
}
