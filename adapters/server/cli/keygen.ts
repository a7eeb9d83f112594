/** `beyond-ai keygen`: an Ed25519 key pair in the spelling that the config and `mint` read. */
import { keygenAsync } from "@noble/ed25519";
import { Command } from "commander";
import { encodeBase64Url } from "../../../src/keys/base64url.ts";
import { kidOption } from "./id-options.ts";

/** A signing key: the public half goes into `signing_keys`, the secret half (a 32-byte seed) to whoever mints. */
export interface KeyPair {
  readonly kid: number;
  /** base64url without padding, as is the secret key. */
  readonly public_key: string;
  readonly secret_key: string;
}

export async function generateKeyPair(kid: number): Promise<KeyPair> {
  const { publicKey, secretKey } = await keygenAsync();
  return { kid, public_key: encodeBase64Url(publicKey), secret_key: encodeBase64Url(secretKey) };
}

export function keygenCommand(): Command {
  return new Command("keygen")
    .description("make a signing key pair")
    .addOption(kidOption().default(1))
    .option("--json", "print {kid,public_key,secret_key}, which mint --secret-key-file reads")
    .action(async ({ kid, json }: { readonly kid: number; readonly json?: boolean }) => {
      const pair = await generateKeyPair(kid);
      process.stdout.write(json ? `${JSON.stringify(pair)}\n` : describe(pair));
    });
}

const describe = ({ kid, public_key, secret_key }: KeyPair): string => `kid         ${kid}
public_key  ${public_key}
secret_key  ${secret_key}

The gateway needs the public key alone, in config.toml:

  [signing_keys]
  ${kid} = "${public_key}"

Whoever holds the secret key can make keys for every tenant: keep it where keys are minted, and only there.

  AI_MINT_SECRET_KEY=… beyond-ai mint --tenant 42 --vpc 1 --kid ${kid}
`;
