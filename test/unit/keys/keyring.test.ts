import { Point } from "@noble/ed25519";
import { describe, expect, it } from "vitest";
import { createKeyring, KeyringError } from "../../../src/keys/keyring.ts";
import { vectors } from "./vectors.ts";

const good = vectors.signing_keys["1"]!;

const refusal = (keys: Record<string, string>): KeyringError => {
  try {
    createKeyring(keys);
  } catch (error) {
    if (error instanceof KeyringError) return error;
  }
  throw new Error("not refused");
};

describe("createKeyring", () => {
  it("reads base64 and base64url keys by their kid", () => {
    const keyring = createKeyring(vectors.signing_keys);
    expect([...keyring.keys()]).toEqual([1, 7]);
    expect(Buffer.from(keyring.get(1)!).toString("base64")).toBe(good);
    expect(keyring.get(7)).toHaveLength(32);
  });

  it("is empty without keys", () => {
    expect(createKeyring({}).size).toBe(0);
  });

  it.each(vectors.weak_public_keys)("refuses the weak key $base64 ($why)", ({ base64 }) => {
    const error = refusal({ "1": good, "3": base64 });
    expect(error.kid).toBe("3");
    expect(error.message).toMatch(/^key 3 .*keygen/);
    expect(error.message).not.toContain(base64.slice(0, 12));
  });

  it("refuses a key off the prime-order subgroup, which noble alone would accept", () => {
    const order8 = Point.fromBytes(Buffer.from("JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU=", "base64"));
    const mixed = Point.BASE.multiply(5n).add(order8).toBytes();
    expect(refusal({ "3": Buffer.from(mixed).toString("base64") }).message).toContain("prime-order subgroup");
  });

  it("refuses y from p on, also where the point is a good one", () => {
    const bytes = new Uint8Array(32).fill(0xff);
    for (const last of [0x7f, 0xff]) {
      for (let first = 0xed; first <= 0xff; first++) {
        bytes[0] = first;
        bytes[31] = last;
        expect(refusal({ "3": Buffer.from(bytes).toString("base64") }).message).toContain(
          "no canonical point",
        );
      }
    }
  });

  it.each(["", "not base64!", "====", "é".repeat(43)])("refuses %j as no base64", (text) => {
    expect(refusal({ "3": text }).message).toMatch(/^key 3 (is no base64|has 0 bytes)/);
  });

  it.each(["01", "-1", "4294967296", "kid", "", "1.0"])("refuses the kid %j", (kid) => {
    expect(refusal({ [kid]: good }).message).toContain(JSON.stringify(kid));
  });
});
