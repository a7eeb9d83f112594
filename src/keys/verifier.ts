/** Says whether a virtual key is truly signed, and remembers those that were: verification is the dearest step of a request. */

import type { VerifySignature } from "../gateway/ports.ts";
import type { Keyring } from "./keyring.ts";
import type { ParsedKey, VirtualKey } from "./virtual-key.ts";

export interface Verifier {
  /** The identity of a token that verified before and is still remembered. */
  recall(token: string): VirtualKey | undefined;
  /** Would `verify` ask the native verifier? Only then is `verify_rps` charged: an unknown kid costs nothing. */
  needsVerification(parsed: ParsedKey): boolean;
  /**
   * The identity, or `undefined` for an unknown kid or a signature that does not hold. `parsed` is what `parseVirtualKey`
   * made of `token`. Rejects (or throws) only if the native verifier does.
   */
  verify(token: string, parsed: ParsedKey): VirtualKey | undefined | Promise<VirtualKey | undefined>;
  /** One that trusts `keyring` instead, and remembers of the tokens those whose signing key is the same in both. */
  withKeyring(keyring: Keyring): Verifier;
}

interface VerifierOptions {
  readonly keyring: Keyring;
  readonly verify: VerifySignature;
  /** Tokens remembered at most; the oldest goes first. */
  readonly remember?: number;
  /** Remembered from the start, oldest first. */
  readonly known?: Iterable<readonly [token: string, key: VirtualKey]>;
}

/** A forged token is never remembered, so a flood of them cannot push a good one out. */
export function createVerifier({
  keyring,
  verify,
  remember = 10_000,
  known: inherited = [],
}: VerifierOptions): Verifier {
  const known = new Map<string, VirtualKey>();
  // A ring beside the map: `map.keys().next()` walks over the holes that deleted entries leave, this is O(1).
  const order: string[] = [];
  let next = 0;

  const keep = (token: string, key: VirtualKey): void => {
    if (remember === 0 || known.has(token)) return;
    const oldest = order[next];
    if (oldest !== undefined) known.delete(oldest);
    order[next] = token;
    next = (next + 1) % remember;
    known.set(token, key);
  };
  for (const [token, key] of inherited) keep(token, key);

  const admit = (token: string, parsed: ParsedKey): VirtualKey => {
    const { tenantId, vpcId, keyId, kid } = parsed;
    const key: VirtualKey = { tenantId, vpcId, keyId, kid };
    keep(token, key);
    return key;
  };

  return {
    recall: (token) => known.get(token),
    needsVerification: (parsed) => keyring.has(parsed.kid),
    verify(token, parsed) {
      const publicKey = keyring.get(parsed.kid);
      if (publicKey === undefined) return undefined;
      const verdict = verify(publicKey, parsed.message, parsed.signature);
      if (typeof verdict === "boolean") return verdict ? admit(token, parsed) : undefined;
      return verdict.then((ok) => (ok ? admit(token, parsed) : undefined));
    },
    withKeyring(trusted) {
      const isKept = ({ kid }: VirtualKey): boolean => isSameKey(keyring.get(kid), trusted.get(kid));
      // A map iterates in the order of insertion, so the oldest stay the first to go.
      return createVerifier({
        keyring: trusted,
        verify,
        remember,
        known: [...known].filter(([, key]) => isKept(key)),
      });
    },
  };
}

const isSameKey = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && a.every((byte, at) => byte === b[at]);
