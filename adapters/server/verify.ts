/** Ed25519 by the runtime's own crypto, synchronously: a promise for each request would cost more than it saves. */
import type { KeyObject } from "node:crypto";
import type { VerifySignature } from "../../src/gateway/ports.ts";
import { createWebCryptoVerify } from "../../src/keys/verify-webcrypto.ts";
import { createLate } from "./late.ts";

/** DER of a SubjectPublicKeyInfo for Ed25519, before its 32 bytes (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** WebCrypto verifies until node:crypto is loaded: a start on Bun would wait 5 ms for it. */
export function createNativeVerify(): VerifySignature {
  let verify = createWebCryptoVerify();
  createLate(async () => {
    verify = createSyncVerify(await import("node:crypto"));
  });
  return (publicKey, message, signature) => verify(publicKey, message, signature);
}

/**
 * Over node:crypto once it is loaded. A key is imported once; there are as many as signing keys.
 *
 * @internal exported for benchmarks
 */
export function createSyncVerify({ createPublicKey, verify }: typeof import("node:crypto")): VerifySignature {
  const imported = new WeakMap<Uint8Array, KeyObject>();
  return (publicKey, message, signature) => {
    let key = imported.get(publicKey);
    if (!key) {
      key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
      imported.set(publicKey, key);
    }
    return verify(null, message, key, signature);
  };
}
