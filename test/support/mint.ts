/** Virtual keys for tests, made with node:crypto alone so that they do not lean on the code under test. */
import { createPrivateKey, sign } from "node:crypto";
import { readKeyVectors } from "./fixtures.ts";

/** RFC 8410: the PKCS#8 prefix of a raw Ed25519 seed. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** Whom a key names; u64 as decimal text. */
export interface KeyClaims {
  readonly tenantId: string;
  readonly vpcId?: string;
  readonly keyId?: string;
}

/** Mints with the vectors' key 1: v2 when there is a key id, else v1. */
export function mint({ tenantId, vpcId = "1", keyId }: KeyClaims): string {
  const ids = [tenantId, vpcId, ...(keyId === undefined ? [] : [keyId])];
  const payload = Buffer.alloc(8 * ids.length);
  for (const [at, id] of ids.entries()) payload.writeBigUInt64LE(BigInt(id), 8 * at);
  const message = `bai_v${ids.length - 1}.1.${payload.toString("base64url")}`;
  const seed = Buffer.from(readKeyVectors().seeds_hex["1"] ?? "", "hex");
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  return `${message}.${sign(null, Buffer.from(message), key).toString("base64url")}`;
}

/** A well-formed key whose signature is false: `n` makes different ones. */
export function forge(n = 0): string {
  const token = mint({ tenantId: String(1_000_000 + n) });
  const at = token.lastIndexOf(".") + 10;
  return `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
}
