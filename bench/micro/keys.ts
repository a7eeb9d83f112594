/** What a virtual key costs: parsed, verified by the runtime's own Ed25519, and remembered. */
import * as crypto from "node:crypto";
import { getPublicKeyAsync } from "@noble/ed25519";
import { createSyncVerify } from "../../adapters/server/verify.ts";
import { encodeBase64Url } from "../../src/keys/base64url.ts";
import { createKeyring } from "../../src/keys/keyring.ts";
import { createVerifier } from "../../src/keys/verifier.ts";
import { mintVirtualKey, parseVirtualKey } from "../../src/keys/virtual-key.ts";
import { calling, check, type MicroCase } from "./case.ts";

const REMEMBERED = 1000;

export async function keyCases(): Promise<MicroCase[]> {
  const secretKey = new Uint8Array(32).fill(1);
  const keyring = createKeyring({ 1: encodeBase64Url(await getPublicKeyAsync(secretKey)) });
  const tokens = await Promise.all(
    Array.from({ length: REMEMBERED }, (_, i) =>
      mintVirtualKey({ secretKey, kid: 1, tenantId: String(i), vpcId: "1" }),
    ),
  );
  const verify = createSyncVerify(crypto);
  const forgetful = createVerifier({ keyring, verify, remember: 0 });
  const verifier = createVerifier({ keyring, verify });
  for (const token of tokens) verifier.verify(token, parseVirtualKey(token)!);

  const parsed = tokens.map((token) => ({ token, parsed: parseVirtualKey(token)! }));
  // A request's own copy has no hash yet, as it comes from the wire.
  const received = tokens.map((token) => Buffer.from(token));
  const recall = (token: string): void => check(verifier.recall(token) !== undefined, "recall");
  return [
    {
      name: "verify a token, native Ed25519",
      ...calling(parsed, (one) => check(forgetful.verify(one.token, one.parsed) !== undefined, "verify")),
    },
    {
      name: "parse a token",
      ...calling(tokens, (token) => check(parseVirtualKey(token) !== undefined, "parse")),
    },
    { name: "recall a remembered token", ...calling(tokens, recall), bar: { atMostNs: 1000 } },
    {
      name: "recall one just read from the wire",
      ...calling(received, (bytes) => recall(bytes.toString("latin1"))),
      bar: { atMostNs: 1000 },
    },
  ];
}
