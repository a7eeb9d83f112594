/** `beyond-ai inspect`: what a virtual key claims, and whether the signing keys at hand confirm it. */
import { Command } from "commander";
import { createKeyring, type Keyring } from "../../../src/keys/keyring.ts";
import { type ParsedKey, parseVirtualKey, VIRTUAL_KEY_PREFIX } from "../../../src/keys/virtual-key.ts";
import { createNativeVerify } from "../verify.ts";
import { CONFIG_OPTION, type ConfigOption, readConfig } from "./config-file.ts";
import { type CliContext, CliError, reporting } from "./conventions.ts";

/** Ids are u64 as decimal text: JSON readers round numbers of that size. */
interface Inspection {
  readonly version: 1 | 2;
  readonly kid: number;
  readonly tenant_id: string;
  readonly vpc_id: string;
  readonly key_id: string | null;
  /** `null`: there is no signing key at hand to ask. */
  readonly verified: boolean | null;
  readonly reason?: string;
}

export function inspectCommand(context: CliContext): Command {
  return new Command("inspect")
    .description("decode a virtual key; verify it when signing keys are at hand")
    .argument("<token>", "the virtual key")
    .option(...CONFIG_OPTION)
    .option("--json", "print one JSON object; ids are decimal text")
    .action(
      reporting(async (token: string, options: ConfigOption & { readonly json?: boolean }) => {
        const parsed = parseVirtualKey(token.trim());
        if (parsed === undefined) throw new CliError(`<token>: ${whyMalformed(token.trim())}`);
        const keyring = createKeyring(readConfig(options, context).config.signingKeys);
        const inspection = await inspect(parsed, keyring);
        process.stdout.write(options.json ? `${JSON.stringify(inspection)}\n` : describe(inspection));
        if (inspection.verified === false) process.exitCode = 1;
      }),
    );
}

async function inspect(parsed: ParsedKey, keyring: Keyring): Promise<Inspection> {
  const { version, kid, tenantId, vpcId, keyId } = parsed;
  const claims = { version, kid, tenant_id: tenantId, vpc_id: vpcId, key_id: keyId ?? null };
  if (keyring.size === 0)
    return { ...claims, verified: null, reason: "no signing keys at hand: give --config" };
  const publicKey = keyring.get(kid);
  if (publicKey === undefined)
    return { ...claims, verified: false, reason: `signing_keys has no kid ${kid}` };
  if (await createNativeVerify()(publicKey, parsed.message, parsed.signature))
    return { ...claims, verified: true };
  return { ...claims, verified: false, reason: `kid ${kid} did not sign this` };
}

/** Never repeats the token. */
function whyMalformed(token: string): string {
  if (!token.startsWith(VIRTUAL_KEY_PREFIX)) return `no virtual key: those start with ${VIRTUAL_KEY_PREFIX}`;
  const parts = token.split(".").length;
  if (parts !== 4) return `no virtual key: ${parts} dot-separated parts, not 4; was it cut?`;
  return "no well-formed virtual key: it was altered, cut, or never minted";
}

const describe = ({ version, kid, tenant_id, vpc_id, key_id, verified, reason }: Inspection): string =>
  `${[
    `version    ${version}`,
    `kid        ${kid}`,
    `tenant_id  ${tenant_id}`,
    `vpc_id     ${vpc_id}`,
    ...(key_id === null ? [] : [`key_id     ${key_id}`]),
    `signature  ${verified === true ? "verifies" : verified === false ? `REFUSED: ${reason}` : `not checked: ${reason}`}`,
  ].join("\n")}\n`;
