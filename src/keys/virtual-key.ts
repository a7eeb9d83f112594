/**
 * Virtual keys (gateway.md §2): `bai_v N . kid . payload . sig`. Parsing is strict and pure; it says what a token claims,
 * and `verifier.ts` whether the claim is signed.
 */

import { signAsync } from "@noble/ed25519";
import { decodeBase64Url, encodeBase64Url } from "./base64url.ts";
import { isStrictSignature } from "./ed25519-strict.ts";
import { readU64, writeU64 } from "./u64.ts";

/** Whom a verified token stands for. Ids are u64 as canonical decimal text. */
export interface VirtualKey {
  readonly tenantId: string;
  readonly vpcId: string;
  /** Absent in version 1. */
  readonly keyId: string | undefined;
  /** The signing key's id, a u32. */
  readonly kid: number;
}

/** A well-formed token, not yet verified. */
export interface ParsedKey extends VirtualKey {
  readonly version: 1 | 2;
  /** The signed ASCII bytes: the token up to its last dot. */
  readonly message: Uint8Array;
  /** 64 bytes, `S` below L and `R` of no small order. */
  readonly signature: Uint8Array;
}

/** A credential that starts so is managed, whether it verifies or not. */
export const VIRTUAL_KEY_PREFIX = "bai_";

const ANYWHERE = /bai_v[12]\.\d{1,10}\.[\w-]{22,32}\.[\w-]{86}/;

/** Whether a virtual key, anyone's, stands somewhere in a text. */
export const containsVirtualKey = (text: string): boolean =>
  text.includes(VIRTUAL_KEY_PREFIX) && ANYWHERE.test(text);

const DOT = 0x2e;
const HEAD_LENGTH = "bai_v1.".length;
const SIGNATURE_DIGITS = 86;
const PAYLOAD_DIGITS = { 1: 22, 2: 32 } as const;
const MIN_LENGTH = HEAD_LENGTH + 1 + 1 + PAYLOAD_DIGITS[1] + 1 + SIGNATURE_DIGITS;
const MAX_LENGTH = HEAD_LENGTH + 10 + 1 + PAYLOAD_DIGITS[2] + 1 + SIGNATURE_DIGITS;

/**
 * Reads a token, or gives `undefined` for anything that is not spelled exactly as `mintVirtualKey` spells it.
 * Every part but the kid has a fixed length, so the places of the dots follow from the token's.
 */
export function parseVirtualKey(token: string): ParsedKey | undefined {
  const length = token.length;
  if (length < MIN_LENGTH || length > MAX_LENGTH) return undefined;
  const version = token.startsWith("bai_v1.") ? 1 : token.startsWith("bai_v2.") ? 2 : undefined;
  if (version === undefined) return undefined;
  const messageEnd = length - SIGNATURE_DIGITS - 1;
  const payloadStart = messageEnd - PAYLOAD_DIGITS[version];
  const kidEnd = payloadStart - 1;
  if (token.charCodeAt(messageEnd) !== DOT || token.charCodeAt(kidEnd) !== DOT) return undefined;
  const kid = parseKid(token.slice(HEAD_LENGTH, kidEnd));
  if (kid === undefined) return undefined;
  const payload = decodeBase64Url(token, payloadStart, messageEnd);
  const signature = decodeBase64Url(token, messageEnd + 1, length);
  if (payload === undefined || signature === undefined || !isStrictSignature(signature)) return undefined;
  return {
    version,
    kid,
    tenantId: readU64(payload, 0),
    vpcId: readU64(payload, 8),
    keyId: version === 2 ? readU64(payload, 16) : undefined,
    message: asciiBytes(token, messageEnd),
    signature,
  };
}

/** Canonical decimal u32, else `undefined`. */
export function parseKid(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,9})$/.test(text)) return undefined;
  const kid = Number(text);
  return kid <= 0xffff_ffff ? kid : undefined;
}

/** What `mintVirtualKey` signs. With a `keyId` (u64 decimal text) the token is version 2. */
interface MintOptions {
  /** The 32-byte seed (RFC 8032 §5.1.5). */
  readonly secretKey: Uint8Array;
  readonly kid: number;
  readonly tenantId: string;
  readonly vpcId: string;
  readonly keyId?: string | undefined;
}

/** Signs a token. Deterministic. Throws a `RangeError` that names the option for an id, kid or key out of range. */
export async function mintVirtualKey(options: MintOptions): Promise<string> {
  const { secretKey, kid, tenantId, vpcId, keyId } = options;
  if (secretKey.length !== 32) throw new RangeError(`secretKey: ${secretKey.length} bytes given, 32 needed`);
  if (parseKid(String(kid)) === undefined) throw new RangeError(`kid: ${kid} is no u32 (0 to 4294967295)`);
  const ids = Object.entries(keyId === undefined ? { tenantId, vpcId } : { tenantId, vpcId, keyId });
  const payload = new Uint8Array(8 * ids.length);
  for (const [index, [name, id]] of ids.entries()) {
    if (writeU64(id, payload, 8 * index)) continue;
    throw new RangeError(
      `${name}: ${JSON.stringify(id)} is no u64 in canonical decimal (0 to 18446744073709551615)`,
    );
  }
  const message = `bai_v${keyId === undefined ? 1 : 2}.${kid}.${encodeBase64Url(payload)}`;
  const signature = await signAsync(asciiBytes(message, message.length), secretKey);
  return `${message}.${encodeBase64Url(signature)}`;
}

const asciiBytes = (text: string, end: number): Uint8Array => {
  const bytes = new Uint8Array(end);
  for (let i = 0; i < end; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};
