/** What `doctor` looks at. Each check says what it found and, if that is wrong, what to do. None shows a secret. */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseListenAddress } from "../../../src/config/address.ts";
import type { Config } from "../../../src/config/keys.ts";
import { buildProviders, type Provider } from "../../../src/config/providers.ts";
import { VIRTUAL_KEY_PREFIX } from "../../../src/keys/virtual-key.ts";
import { codeOf } from "../errors.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly hint?: string;
}

/** The resolver cannot be told to give up, and offline it may take half a minute. */
const DNS_TIMEOUT_MS = 3_000;

export function checkKeyring({ signingKeys, poolKeys }: Config): Check {
  const name = "keyring";
  const kids = Object.keys(signingKeys);
  if (kids.length > 0) return { name, ok: true, detail: `signing keys: ${kids.join(", ")}` };
  if (Object.keys(poolKeys).length === 0)
    return { name, ok: true, detail: "no signing keys: BYO credentials only" };
  return {
    name,
    ok: false,
    detail: "no signing keys, so nobody can use the pool keys",
    hint: "`beyond-ai keygen` makes one; put its public key under [signing_keys]",
  };
}

export function checkPoolKeys({ signingKeys, poolKeys, providerAuthorities }: Config): Check {
  const name = "pool keys";
  const entries = Object.entries(poolKeys).filter(([, keys]) => keys.length > 0);
  if (entries.length === 0) {
    if (Object.keys(signingKeys).length === 0)
      return { name, ok: true, detail: "none: BYO credentials only" };
    return {
      name,
      ok: false,
      detail: "none, so every virtual key is answered 503 no_pool_key",
      hint: "set one under [pool_keys], or as AI_POOL_KEY_OPENAI and the like",
    };
  }
  for (const [provider, keys] of entries) {
    // A provider elsewhere (a proxy, a mock) may take any vendor's keys.
    const isElsewhere = Object.hasOwn(providerAuthorities, provider);
    const found = keys.some(isVirtual)
      ? "a virtual key"
      : isElsewhere
        ? undefined
        : keyOfAnother(provider, keys);
    if (found === undefined) continue;
    return {
      name,
      ok: false,
      detail: `pool_keys.${provider} holds ${found}`,
      hint: `set a key that ${provider} issued`,
    };
  }
  const detail = entries.map(([provider, keys]) => `${provider} (${keys.length})`).join(", ");
  return { name, ok: true, detail };
}

/** How vendors' keys start, where that is theirs alone. */
const KEY_PREFIXES: readonly (readonly [prefix: string, provider: string])[] = [
  ["sk-ant-", "anthropic"],
  ["sk-or-", "openrouter"],
  ["gsk_", "groq"],
  ["xai-", "xai"],
  ["csk-", "cerebras"],
];

const isVirtual = (key: string): boolean => key.startsWith(VIRTUAL_KEY_PREFIX);

function keyOfAnother(provider: string, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const owner = KEY_PREFIXES.find(([prefix]) => key.startsWith(prefix))?.[1];
    if (owner !== undefined && owner !== provider) return `what looks like a key of ${owner}`;
  }
  return undefined;
}

/** None where there is one process. */
export function checkWorkers({ workers }: Config, cores = availableParallelism()): Check[] {
  if (workers === 1) return [];
  const found = { name: "workers", ok: true, detail: `${workers} processes, and ${cores} cores for them` };
  if (workers <= cores) return [found];
  return [{ ...found, hint: `more than there are cores take memory and give nothing: set ${cores}` }];
}

export function checkProviderNames(config: Config): Promise<Check[]> {
  return Promise.all([...buildProviders(config).values()].map(checkDns));
}

async function checkDns({ name: provider, authority }: Provider): Promise<Check> {
  const name = `dns ${provider}`;
  const host = parseListenAddress(authority)?.host ?? authority;
  if (isIP(host) !== 0) return { name, ok: true, detail: `${authority} (an address, nothing to look up)` };
  try {
    const { address } = await inTime(lookup(host));
    return { name, ok: true, detail: `${host} is ${address}` };
  } catch (error) {
    return {
      name,
      ok: false,
      detail: `${host} cannot be looked up: ${codeOf(error)}`,
      hint: `check this machine's DNS, or provider_authorities.${provider}`,
    };
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(DNS_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
    throw Object.assign(new Error("timed out"), { code: "ETIMEOUT" });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
    // Aborting rejects it; the race has an answer already.
    late.catch(() => {});
  }
}
