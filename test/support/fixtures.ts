/** The provider response fixtures of `test/fixtures`, as files. See its README for the members. */
import { readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("../fixtures/", import.meta.url);
const NOT_RESPONSES = new Set(["requests", "virtual-keys"]);

/** What a correct tap reports; token members are absent where the provider reported none. */
export interface FixtureExpectation {
  readonly model: string | null;
  readonly outcome: "ok" | "incomplete" | "error" | "cut";
  readonly usage_reported: boolean;
  readonly usage_final: boolean;
  readonly complete: boolean;
  readonly input_tokens?: number | null;
  readonly output_tokens?: number | null;
  readonly cached_input_tokens?: number | null;
  readonly cache_creation_input_tokens?: number | null;
  readonly cache_creation_1h_input_tokens?: number | null;
  readonly reasoning_tokens?: number | null;
  readonly response_id?: string;
  readonly service_tier?: string;
}

/** One provider response and the request that it answers. */
export interface Fixture {
  readonly name: string;
  readonly provider: string;
  readonly api: string;
  readonly method: string;
  readonly path: string;
  readonly stream: boolean;
  readonly request: Readonly<Record<string, unknown>>;
  readonly request_content_type?: string;
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly framing: "chunked" | "content-length";
    readonly abort?: boolean;
  };
  readonly expect: FixtureExpectation;
  readonly quirks: readonly string[];
  readonly body: Buffer;
}

/** A virtual key that must pass, and who it names. */
export interface ValidKey {
  readonly token: string;
  readonly tenant_id: string;
  readonly vpc_id: string;
  readonly key_id: string | null;
  readonly kid: number;
}

/** `fixtures/virtual-keys.json`. */
export interface KeyVectors {
  readonly seeds_hex: Readonly<Record<string, string>>;
  readonly signing_keys: Readonly<Record<string, string>>;
  readonly valid: readonly ValidKey[];
  readonly invalid: readonly { readonly why: string; readonly token: string }[];
  readonly weak_public_keys: readonly { readonly why: string; readonly base64: string }[];
}

/** The names of all response fixtures, sorted. */
export const fixtureNames: readonly string[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length))
  .filter((name) => !NOT_RESPONSES.has(name))
  .sort();

/** Reads one fixture with its body. */
export function readFixture(name: string): Fixture {
  const description = readJson<Omit<Fixture, "name" | "body">>(`${name}.json`);
  return { ...description, name, body: readFileSync(new URL(`${name}.body`, FOLDER)) };
}

/** Reads the key vectors. */
export function readKeyVectors(): KeyVectors {
  return readJson<KeyVectors>("virtual-keys.json");
}

/** The files are ours and described by their README, so their shape is asserted and not parsed. */
function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as T;
}
