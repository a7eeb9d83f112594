/** What outlives a reload and what does not, on a clock that stands still. */
import { describe, expect, it } from "vitest";
import { createNativeVerify } from "../../adapters/server/verify.ts";
import { type ConfigValues, configFrom } from "../../src/config/parse.ts";
import { type GatewayState, reconfigure } from "../../src/gateway/state.ts";
import { createKeyring } from "../../src/keys/keyring.ts";
import { createVerifier } from "../../src/keys/verifier.ts";
import { parseVirtualKey } from "../../src/keys/virtual-key.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import { mint } from "../support/mint.ts";
import { clockAt, stateWith } from "../support/state.ts";

const { signing_keys: keys } = readKeyVectors();
const TOKEN = mint({ tenantId: "42" });
const NOW_MS = 1000;

const runningWith = (values: ConfigValues): GatewayState =>
  stateWith(values, { clock: clockAt(() => NOW_MS), verify: createNativeVerify() });

const kid1 = (): string => keys["1"]!;
const otherKey = (): string => Object.values(keys).find((key) => key !== kid1())!;

async function verifies(state: GatewayState): Promise<boolean> {
  const { verifier } = state.settings;
  return (await verifier.verify(TOKEN, parseVirtualKey(TOKEN)!)) !== undefined;
}

describe("a reload", () => {
  it("goes on counting a credential that is at its ceiling", () => {
    const state = runningWith({ rateLimitRps: 1, byoRateLimitRps: 1, verifyRps: 1 });
    const allowed = () => [
      state.settings.ceilings.allow("key", NOW_MS),
      state.settings.byoCeiling.allow(NOW_MS),
      state.settings.verifyCeiling.allow(NOW_MS),
    ];
    expect(allowed()).toEqual([true, true, true]);
    reconfigure(
      state,
      configFrom({ rateLimitRps: 1, byoRateLimitRps: 1, verifyRps: 1, poolKeys: { openai: "new" } }),
    );
    expect(allowed()).toEqual([false, false, false]);
    expect(state.settings.poolKeys.get("openai")).toEqual(["new"]);
  });

  it("counts by a ceiling that was changed", () => {
    const state = runningWith({ rateLimitRps: 1 });
    state.settings.ceilings.allow("key", NOW_MS);
    reconfigure(state, configFrom({ rateLimitRps: 2 }));
    const allowed = [1, 2, 3].map(() => state.settings.ceilings.allow("key", NOW_MS));
    expect(allowed).toEqual([true, true, false]);
  });

  it("leaves an open breaker open, unless the provider is somewhere else now or the breaker is another", () => {
    const base = { circuitBreakerThreshold: 1, providerAuthorities: { mine: "127.0.0.1:1" } };
    const open = (): GatewayState => {
      const state = runningWith(base);
      for (const breaker of state.settings.breakers.values()) breaker.failure("closed", NOW_MS);
      return state;
    };
    const isOpen = (state: GatewayState, name: string) => state.settings.breakers.get(name)?.isOpen(NOW_MS);

    const same = open();
    reconfigure(same, configFrom({ ...base, rateLimitRps: 5 }));
    expect([isOpen(same, "openai"), isOpen(same, "mine")]).toEqual([true, true]);
    const moved = open();
    reconfigure(moved, configFrom({ ...base, providerAuthorities: { mine: "127.0.0.1:2" } }));
    expect([isOpen(moved, "openai"), isOpen(moved, "mine")]).toEqual([true, false]);
    const reshaped = open();
    reconfigure(reshaped, configFrom({ ...base, circuitBreakerResetSecs: 5 }));
    expect([isOpen(reshaped, "openai"), isOpen(reshaped, "mine")]).toEqual([false, false]);
  });

  it("remembers tokens of a signing key that is still trusted, however it is written", async () => {
    const state = runningWith({ signingKeys: { 1: kid1() } });
    expect(await verifies(state)).toBe(true);
    const respelled = Buffer.from(kid1(), "base64url").toString("base64");
    reconfigure(state, configFrom({ signingKeys: { 1: respelled, 2: otherKey() } }));
    expect(state.settings.verifier.recall(TOKEN)).toMatchObject({ tenantId: "42" });
  });

  it.each([
    { what: "removed", signingKeys: { 2: otherKey() } },
    { what: "replaced under its kid", signingKeys: { 1: otherKey() } },
  ])("forgets tokens of a signing key that was $what", async ({ signingKeys }) => {
    const state = runningWith({ signingKeys: { 1: kid1() } });
    await verifies(state);
    reconfigure(state, configFrom({ signingKeys }));
    expect(state.settings.verifier.recall(TOKEN)).toBeUndefined();
    expect(await verifies(state)).toBe(false);
  });

  it("lets the oldest remembered token be the first to go, as before", async () => {
    const verify = () => true;
    const keyring = createKeyring({ 1: kid1() });
    const tokens = ["1", "2", "3", "4"].map((tenantId) => mint({ tenantId }));
    const first = createVerifier({ keyring, verify, remember: 3 });
    for (const token of tokens.slice(0, 3)) await first.verify(token, parseVirtualKey(token)!);
    const next = first.withKeyring(keyring);
    await next.verify(tokens[3]!, parseVirtualKey(tokens[3]!)!);
    expect(tokens.map((token) => next.recall(token)?.tenantId)).toEqual([undefined, "2", "3", "4"]);
  });
});
