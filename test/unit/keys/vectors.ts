/** The vectors of fixtures/virtual-keys.json. */

import { readFileSync } from "node:fs";

interface Vectors {
  readonly seeds_hex: Readonly<Record<string, string>>;
  readonly signing_keys: Readonly<Record<string, string>>;
  readonly valid: readonly {
    readonly token: string;
    readonly tenant_id: string;
    readonly vpc_id: string;
    readonly key_id: string | null;
    readonly kid: number;
  }[];
  readonly invalid: readonly { readonly why: string; readonly token: string }[];
  readonly weak_public_keys: readonly { readonly why: string; readonly base64: string }[];
}

export const vectors = JSON.parse(
  readFileSync(new URL("../../fixtures/virtual-keys.json", import.meta.url), "utf8"),
) as Vectors; // the file is ours, and the tests fail loudly on any other shape

export const seedOf = (kid: number): Uint8Array =>
  new Uint8Array(Buffer.from(vectors.seeds_hex[kid]!, "hex"));
