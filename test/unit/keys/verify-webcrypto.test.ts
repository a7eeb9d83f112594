import { createHash } from "node:crypto";
import { Point, verifyAsync } from "@noble/ed25519";
import { describe, expect, it } from "vitest";
import { createKeyring } from "../../../src/keys/keyring.ts";
import { createWebCryptoVerify, verifyInJs } from "../../../src/keys/verify-webcrypto.ts";
import { parseVirtualKey } from "../../../src/keys/virtual-key.ts";
import { vectors } from "./vectors.ts";

const L = Point.CURVE().n;
const fromLittleEndian = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
const toLittleEndian = (n: bigint): Uint8Array =>
  Buffer.from(n.toString(16).padStart(64, "0"), "hex").reverse();

/** Signs with `R` moved off the prime-order subgroup: the owner of a key can, and only cofactored verifiers accept it. */
function signWithTorsion(message: Uint8Array): { publicKey: Uint8Array; signature: Uint8Array } {
  const [secret, nonce] = [123_456_789n, 987_654_321n];
  const order8 = Point.fromBytes(Buffer.from("JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU=", "base64"));
  const publicKey = Point.BASE.multiply(secret).toBytes();
  const r = Point.BASE.multiply(nonce).add(order8).toBytes();
  const k = fromLittleEndian(createHash("sha512").update(r).update(publicKey).update(message).digest()) % L;
  return { publicKey, signature: Buffer.concat([r, toLittleEndian((nonce + k * secret) % L)]) };
}

describe("createWebCryptoVerify", () => {
  it("imports each key of a keyring once", async () => {
    let imports = 0;
    const { subtle } = globalThis.crypto;
    const verify = createWebCryptoVerify({
      importKey: (...args: Parameters<SubtleCrypto["importKey"]>) => {
        imports++;
        return subtle.importKey(...args);
      },
      verify: subtle.verify.bind(subtle),
    } as Pick<SubtleCrypto, "importKey" | "verify">); // importKey is overloaded, which no arrow function is
    const keyring = createKeyring(vectors.signing_keys);
    for (const { token } of [...vectors.valid, ...vectors.valid]) {
      const parsed = parseVirtualKey(token)!;
      expect(await verify(keyring.get(parsed.kid)!, parsed.message, parsed.signature)).toBe(true);
    }
    expect(imports).toBe(2);
  });

  it("refuses R off the prime-order subgroup with and without a native verifier", async () => {
    const message = new TextEncoder().encode("bai_v1.1.x");
    const { publicKey, signature } = signWithTorsion(message);
    expect(await verifyAsync(signature, message, publicKey, { zip215: false })).toBe(true);
    expect(await verifyInJs(publicKey, message, signature)).toBe(false);
    expect(await createWebCryptoVerify()(publicKey, message, signature)).toBe(false);
  });
});
