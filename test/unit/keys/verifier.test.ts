import { createPublicKey, verify as verifyNatively } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { VerifySignature } from "../../../src/gateway/ports.ts";
import { createKeyring } from "../../../src/keys/keyring.ts";
import { createVerifier, type Verifier } from "../../../src/keys/verifier.ts";
import { createWebCryptoVerify, verifyInJs } from "../../../src/keys/verify-webcrypto.ts";
import { mintVirtualKey, parseVirtualKey, type VirtualKey } from "../../../src/keys/virtual-key.ts";
import { seedOf, vectors } from "./vectors.ts";

const keyring = createKeyring(vectors.signing_keys);

const nodeCrypto: VerifySignature = (publicKey, message, signature) => {
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verifyNatively(null, message, key, signature);
};

const identify = async (verifier: Verifier, token: string): Promise<VirtualKey | undefined> => {
  const parsed = parseVirtualKey(token);
  return parsed === undefined ? undefined : verifier.verify(token, parsed);
};

describe.each<[string, VerifySignature]>([
  ["WebCrypto", createWebCryptoVerify()],
  [
    "WebCrypto without Ed25519",
    createWebCryptoVerify({
      importKey: () => Promise.reject(new Error("unknown")),
      verify: () => Promise.reject(new Error("unknown")),
    }),
  ],
  ["no WebCrypto", createWebCryptoVerify(undefined)],
  ["noble", verifyInJs],
  ["node:crypto", nodeCrypto],
])("the verdicts with %s", (_, verify) => {
  it("are the same for every vector", async () => {
    const verifier = createVerifier({ keyring, verify });
    for (const { token, tenant_id, vpc_id, key_id, kid } of vectors.valid) {
      const identity = { tenantId: tenant_id, vpcId: vpc_id, keyId: key_id ?? undefined, kid };
      expect(await identify(verifier, token), token).toEqual(identity);
      expect(verifier.recall(token)).toEqual(identity);
    }
    expect(vectors.invalid).toHaveLength(34);
    for (const { why, token } of vectors.invalid) {
      expect(await identify(verifier, token), why).toBeUndefined();
      expect(verifier.recall(token), why).toBeUndefined();
    }
  });

  it("refuse a token with any one bit of its signature flipped", async () => {
    const verifier = createVerifier({ keyring, verify });
    const { token } = vectors.valid[0]!;
    const parsed = parseVirtualKey(token)!;
    for (const bit of [0, 7, 100, 255, 256, 400, 507]) {
      const signature = parsed.signature.slice();
      signature[bit >> 3]! ^= 1 << (bit & 7);
      expect(await verifier.verify(token, { ...parsed, signature }), `bit ${bit}`).toBeUndefined();
    }
  });
});

describe("createVerifier", () => {
  const token = vectors.valid[0]!.token;
  const mint = (tenantId: string): Promise<string> =>
    mintVirtualKey({ secretKey: seedOf(1), kid: 1, tenantId, vpcId: "1" });

  it("asks no verifier, and wants none, for an unknown kid", async () => {
    const verifier = createVerifier({
      keyring,
      verify: () => {
        throw new Error("asked");
      },
    });
    const stranger = await mintVirtualKey({ secretKey: seedOf(1), kid: 2, tenantId: "1", vpcId: "1" });
    const parsed = parseVirtualKey(stranger)!;
    expect(verifier.needsVerification(parsed)).toBe(false);
    expect(verifier.verify(stranger, parsed)).toBeUndefined();
    expect(verifier.needsVerification(parseVirtualKey(token)!)).toBe(true);
  });

  it("answers at once when the native verifier does", () => {
    const verifier = createVerifier({ keyring, verify: nodeCrypto });
    expect(verifier.verify(token, parseVirtualKey(token)!)).toMatchObject({ tenantId: "42" });
  });

  it("hands on no message or signature with the identity that it remembers", async () => {
    const verifier = createVerifier({ keyring, verify: nodeCrypto });
    await identify(verifier, token);
    expect(Object.keys(verifier.recall(token)!).sort()).toEqual(["keyId", "kid", "tenantId", "vpcId"]);
  });

  it("forgets the oldest token first and holds no more than it may", async () => {
    const verifier = createVerifier({ keyring, verify: nodeCrypto, remember: 2 });
    const tokens = await Promise.all(["1", "2", "3", "4", "5"].map(mint));
    for (const [index, each] of tokens.entries()) {
      await identify(verifier, each);
      const remembered = tokens.map((known) => verifier.recall(known) !== undefined);
      expect(remembered).toEqual(tokens.map((_, i) => i === index || i === index - 1));
    }
  });

  it("counts a token once when it verifies twice at the same time", async () => {
    const verifier = createVerifier({ keyring, verify: createWebCryptoVerify(), remember: 2 });
    const [first, second] = [await mint("1"), await mint("2")];
    await identify(verifier, first);
    await Promise.all([identify(verifier, second), identify(verifier, second), identify(verifier, second)]);
    expect(verifier.recall(first)).toBeDefined();
  });

  it("lets forged tokens push none out", async () => {
    const verifier = createVerifier({ keyring, verify: nodeCrypto, remember: 1 });
    await identify(verifier, token);
    const parsed = parseVirtualKey(token)!;
    for (let i = 0; i < 5; i++) verifier.verify(`forged ${i}`, { ...parsed, message: new Uint8Array(9) });
    expect(verifier.recall(token)).toBeDefined();
  });

  it("can be told to remember nothing", async () => {
    const verifier = createVerifier({ keyring, verify: nodeCrypto, remember: 0 });
    expect(await identify(verifier, token)).toBeDefined();
    expect(verifier.recall(token)).toBeUndefined();
  });
});
