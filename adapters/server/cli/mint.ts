/** `beyond-ai mint`: signs a virtual key. The secret never comes as an argument, which every user of the machine could read. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { decodeBase64Any } from "../../../src/keys/base64url.ts";
import { mintVirtualKey } from "../../../src/keys/virtual-key.ts";
import { codeOf } from "../errors.ts";
import { CliError, reporting } from "./conventions.ts";
import { kidOption, u64Option } from "./id-options.ts";

const VARIABLE = "AI_MINT_SECRET_KEY";

interface MintCommandOptions {
  readonly tenant: string;
  readonly vpc: string;
  readonly keyId?: string;
  readonly kid: number;
  readonly secretKeyFile?: string;
}

export function mintCommand(): Command {
  return new Command("mint")
    .description("sign a virtual key and print it")
    .addOption(u64Option("--tenant <id>", "tenant the key stands for").makeOptionMandatory())
    .addOption(u64Option("--vpc <id>", "VPC the key stands for").makeOptionMandatory())
    .addOption(u64Option("--key-id <id>", "id of the key itself, so that it can be denied alone"))
    .addOption(kidOption().makeOptionMandatory())
    .option("--secret-key-file <file>", `file with the secret key (else ${VARIABLE} holds it)`)
    .action(
      reporting(async ({ tenant, vpc, keyId, kid, secretKeyFile }: MintCommandOptions) => {
        const secretKey = secretKeyFile === undefined ? fromVariable() : fromFile(secretKeyFile, kid);
        const token = await mintVirtualKey({ secretKey, kid, tenantId: tenant, vpcId: vpc, keyId });
        process.stdout.write(`${token}\n`);
      }),
    );
}

function fromVariable(): Uint8Array {
  const text = process.env[VARIABLE] ?? "";
  if (text !== "") return readSecretKey(text, VARIABLE);
  throw new CliError(`no secret key: set ${VARIABLE} or give --secret-key-file`);
}

/** The file holds the key alone, or what `keygen --json` printed. */
function fromFile(file: string, kid: number): Uint8Array {
  const place = `--secret-key-file ${JSON.stringify(file)}`;
  const text = readText(file, place);
  if (!text.trimStart().startsWith("{")) return readSecretKey(text, place);
  const pair = parsePair(text, place);
  if (pair.kid !== undefined && pair.kid !== kid) {
    throw new CliError(`${place}: holds the key of kid ${String(pair.kid)}, but --kid is ${kid}`);
  }
  return readSecretKey(typeof pair.secret_key === "string" ? pair.secret_key : "", place);
}

function readText(file: string, place: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError(`${place}: cannot be read: ${codeOf(error)}`);
  }
}

function parsePair(text: string, place: string): { readonly kid?: unknown; readonly secret_key?: unknown } {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new CliError(`${place}: is neither a key nor what \`beyond-ai keygen --json\` prints`);
  }
}

function readSecretKey(text: string, place: string): Uint8Array {
  const bytes = decodeBase64Any(text.trim());
  if (bytes?.length === 32) return bytes;
  const given = bytes === undefined ? "no base64 or base64url" : `${bytes.length} bytes, not 32`;
  throw new CliError(`${place}: ${given}: give the secret_key that \`beyond-ai keygen\` prints`);
}
