import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBase64Url } from "../../../src/keys/base64url.ts";
import { mintVirtualKey, parseKid, parseVirtualKey } from "../../../src/keys/virtual-key.ts";
import { seedOf, vectors } from "./vectors.ts";

const token = vectors.valid[0]!.token;
const [message, signature] = [
  token.slice(0, token.lastIndexOf(".")),
  token.slice(token.lastIndexOf(".") + 1),
];
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

const withSignature = (r: Uint8Array, s: bigint): string => {
  const bytes = new Uint8Array(64);
  bytes.set(r);
  for (let i = 0; i < 32; i++) bytes[32 + i] = Number((s >> BigInt(8 * i)) & 0xffn);
  return `${message}.${encodeBase64Url(bytes)}`;
};

describe("parseVirtualKey", () => {
  it.each(vectors.valid)("reads the ids of $token exactly", (vector) => {
    expect(parseVirtualKey(vector.token)).toMatchObject({
      version: vector.key_id === null ? 1 : 2,
      kid: vector.kid,
      tenantId: vector.tenant_id,
      vpcId: vector.vpc_id,
      keyId: vector.key_id ?? undefined,
    });
  });

  it("gives the signed bytes and the signature", () => {
    const parsed = parseVirtualKey(token);
    expect(Buffer.from(parsed!.message).toString("latin1")).toBe(message);
    expect(Buffer.from(parsed!.signature).toString("base64url")).toBe(signature);
  });

  it("refuses R of small order, in every canonical and non-canonical encoding", () => {
    const small = vectors.weak_public_keys.filter(
      ({ why }) => why === "small order" || why === "non-canonical",
    );
    expect(small).toHaveLength(14);
    for (const { base64 } of small) {
      expect(parseVirtualKey(withSignature(Buffer.from(base64, "base64"), 1n)), base64).toBeUndefined();
    }
  });

  it("refuses every other R that is no canonical encoding, and only those", () => {
    const r = new Uint8Array(32).fill(0xff);
    for (const last of [0x7f, 0xff]) {
      r[31] = last;
      for (let first = 0; first < 256; first++) {
        r[0] = first;
        // p - 1 = …ec is the point of order 2.
        expect(parseVirtualKey(withSignature(r, 1n)) === undefined, `${first} ${last}`).toBe(first >= 0xec);
      }
    }
  });

  it("refuses S from L on, and nothing below it", () => {
    const r = new Uint8Array(32).fill(5);
    for (const s of [0n, 1n, L - 1n]) expect(parseVirtualKey(withSignature(r, s))).toBeDefined();
    for (const s of [L, L + 1n, L + 2n ** 128n, 2n ** 253n, 2n ** 256n - 1n]) {
      expect(parseVirtualKey(withSignature(r, s)), String(s)).toBeUndefined();
    }
  });

  it("refuses every token with one character changed for one outside its alphabet, inserted or left out", () => {
    for (let i = 0; i < token.length; i++) {
      for (const odd of [" ", "=", "+", "/", "\n", "\0", "\u0130", "é", ":"]) {
        expect(parseVirtualKey(token.slice(0, i) + odd + token.slice(i + 1))).toBeUndefined();
        expect(parseVirtualKey(token.slice(0, i) + odd + token.slice(i))).toBeUndefined();
      }
      expect(parseVirtualKey(token.slice(0, i) + token.slice(i + 1))).toBeUndefined();
    }
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 150 }), (text) => {
        expect(parseVirtualKey(text)).toBeUndefined();
        expect(parseVirtualKey(`bai_v1.1.${text}`)).toBeUndefined();
      }),
    );
  });
});

describe("mintVirtualKey", () => {
  it.each(vectors.valid)("mints $token again, byte for byte", async (vector) => {
    const { kid, tenant_id: tenantId, vpc_id: vpcId, key_id } = vector;
    const minted = await mintVirtualKey({
      secretKey: seedOf(kid),
      kid,
      tenantId,
      vpcId,
      keyId: key_id ?? undefined,
    });
    expect(minted).toBe(vector.token);
  });

  it("mints what the parser reads, for every id and kid", async () => {
    const id = fc.bigInt(0n, 2n ** 64n - 1n).map(String);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(0xffff_ffff),
        id,
        id,
        fc.option(id, { nil: undefined }),
        async (kid, tenantId, vpcId, keyId) => {
          const minted = await mintVirtualKey({ secretKey: seedOf(1), kid, tenantId, vpcId, keyId });
          expect(parseVirtualKey(minted)).toMatchObject({ kid, tenantId, vpcId, keyId });
        },
      ),
      { numRuns: 20 },
    );
  });

  it.each([
    ["tenantId", { tenantId: "-1" }],
    ["vpcId", { vpcId: "18446744073709551616" }],
    ["keyId", { keyId: "01" }],
    ["kid", { kid: 4_294_967_296 }],
    ["kid", { kid: 1.5 }],
    ["secretKey", { secretKey: new Uint8Array(31) }],
  ])("names %s when it is out of range", async (name, wrong) => {
    const options = { secretKey: seedOf(1), kid: 1, tenantId: "1", vpcId: "1", ...wrong };
    await expect(mintVirtualKey(options)).rejects.toThrow(new RegExp(`^${name}: `));
  });
});

describe("parseKid", () => {
  it.each([
    ["0", 0],
    ["7", 7],
    ["4294967295", 4_294_967_295],
  ])("reads %j", (text, kid) => {
    expect(parseKid(text)).toBe(kid);
  });
  it.each([
    "",
    "00",
    "01",
    "+1",
    "-0",
    "1 ",
    "1\n",
    "1.0",
    "1e1",
    "0x1",
    "4294967296",
    "9999999999",
    "10000000000",
    "__proto__",
  ])("refuses %j", (text) => {
    expect(parseKid(text)).toBeUndefined();
  });
});
