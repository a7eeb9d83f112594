/** Ed25519 by WebCrypto, the default on every runtime; noble stands in where there is no native one. */

import { Point, verifyAsync } from "@noble/ed25519";
import type { VerifySignature } from "../gateway/ports.ts";

/** `crypto.subtle` as far as it is used, so that a test can take it away. */
type Subtle = Pick<SubtleCrypto, "importKey" | "verify">;

/**
 * A verifier that imports each public key once. Keys must come from `createKeyring` and signatures from `parseVirtualKey`:
 * both refuse what native verifiers disagree on. 120 to 150 µs a signature natively, ten times that in noble.
 */
export function createWebCryptoVerify(
  subtle: Subtle | undefined = globalThis.crypto?.subtle,
): VerifySignature {
  const imported = new WeakMap<Uint8Array, Promise<CryptoKey | undefined>>();

  const importOnce = (publicKey: Uint8Array): Promise<CryptoKey | undefined> => {
    const known = imported.get(publicKey);
    if (known !== undefined) return known;
    // The keyring has checked the key, so a refusal means that the runtime knows no Ed25519.
    const key = importKey(subtle, publicKey).catch(() => undefined);
    imported.set(publicKey, key);
    return key;
  };

  return async (publicKey, message, signature) => {
    const key = await importOnce(publicKey);
    if (key === undefined || subtle === undefined) return verifyInJs(publicKey, message, signature);
    return subtle.verify("Ed25519", key, unshared(signature), unshared(message));
  };
}

/**
 * RFC 8032 §5.1.7 in JavaScript, with the verdicts of the native verifiers. Noble multiplies by the cofactor, which lets an `R`
 * off the prime-order subgroup pass; OpenSSL and BoringSSL compare without it, so such an `R` is refused here.
 *
 * @internal exported for tests
 */
export const verifyInJs: VerifySignature = async (publicKey, message, signature) => {
  if (!(await verifyAsync(signature, message, publicKey, { zip215: false }))) return false;
  return Point.fromBytes(signature.subarray(0, 32), false).isTorsionFree();
};

const importKey = async (subtle: Subtle | undefined, publicKey: Uint8Array): Promise<CryptoKey | undefined> =>
  subtle?.importKey("raw", unshared(publicKey), "Ed25519", false, ["verify"]);

/** The port says `Uint8Array`, WebCrypto's types rule out shared memory, and no key or token ever stands in any. */
const unshared = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>;
