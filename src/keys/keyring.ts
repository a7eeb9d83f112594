/** The trusted signing keys, checked when the config is read: a key that any runtime would treat otherwise never gets in. */

import { Point } from "@noble/ed25519";
import { decodeBase64Any } from "./base64url.ts";
import { parseKid } from "./virtual-key.ts";

/** kid (u32) → 32-byte Ed25519 public key. */
export type Keyring = ReadonlyMap<number, Uint8Array>;

/** A signing key that is no key. The message is one line, names the kid, and never holds the value: it may be a secret pasted by mistake. */
export class KeyringError extends Error {
  readonly kid: string;
  constructor(kid: string, why: string) {
    super(why);
    this.name = "KeyringError";
    this.kid = kid;
  }
}

const ADVICE = "give the 32-byte Ed25519 public_key that `beyond-ai keygen` prints";

/**
 * Reads `signing_keys` (kid → base64 or base64url, padding optional). Throws a `KeyringError` for a kid that is no canonical
 * u32 and for bytes that are no canonical point of the prime-order subgroup (RFC 8032 §5.1.3, and stricter: see gateway.md §2).
 */
export function createKeyring(signingKeys: Readonly<Record<string, string>>): Keyring {
  let keyring = made.get(signingKeys);
  if (!keyring) {
    keyring = readKeys(signingKeys);
    made.set(signingKeys, keyring);
  }
  return keyring;
}

/** A config's keys are asked for when it is read and when it is used; to check one takes milliseconds of a cold start. */
const made = new WeakMap<Readonly<Record<string, string>>, Keyring>();

function readKeys(signingKeys: Readonly<Record<string, string>>): Keyring {
  const keyring = new Map<number, Uint8Array>();
  for (const [name, text] of Object.entries(signingKeys)) {
    const kid = parseKid(name);
    if (kid === undefined) {
      throw new KeyringError(
        name,
        `the kid ${JSON.stringify(name.slice(0, 32))} is no decimal u32: write 0 to 4294967295 without leading zeros`,
      );
    }
    keyring.set(kid, readPublicKey(name, text));
  }
  return keyring;
}

function readPublicKey(kid: string, text: string): Uint8Array {
  const bytes = decodeBase64Any(text);
  if (bytes === undefined) throw new KeyringError(kid, `key ${kid} is no base64 or base64url: ${ADVICE}`);
  if (bytes.length !== 32)
    throw new KeyringError(kid, `key ${kid} has ${bytes.length} bytes, not 32: ${ADVICE}`);
  const point = readPoint(bytes);
  if (point === undefined)
    throw new KeyringError(kid, `key ${kid} is no canonical point of the curve: ${ADVICE}`);
  if (point.isSmallOrder())
    throw new KeyringError(kid, `key ${kid} is a point of small order, which anyone can sign for: ${ADVICE}`);
  if (!point.isTorsionFree())
    throw new KeyringError(kid, `key ${kid} lies off the prime-order subgroup: ${ADVICE}`);
  return bytes;
}

function readPoint(bytes: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return undefined;
  }
}
