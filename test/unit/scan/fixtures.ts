/** The shared fixtures, decoded, and the ways to cut them that fixtures/README.md asks for. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { createUsageTap, type TapResult } from "../../../src/scan/usage-tap.ts";
import { wireOf } from "../../../src/scan/wires.ts";

const FOLDER = join(import.meta.dirname, "../../fixtures");

/** Of a fixture's `expect`: token members are absent or null where the provider reported none. */
export interface Expected {
  readonly model: string | null;
  readonly input_tokens?: number | null;
  readonly output_tokens?: number | null;
  readonly cached_input_tokens?: number | null;
  readonly cache_creation_input_tokens?: number | null;
  readonly cache_creation_1h_input_tokens?: number | null;
  readonly reasoning_tokens?: number | null;
  readonly response_id?: string | null;
  readonly service_tier?: string | null;
  readonly usage_reported: boolean;
  readonly usage_final: boolean;
  readonly complete: boolean;
  readonly outcome: "ok" | "incomplete" | "error" | "cut";
}

export interface Fixture {
  readonly name: string;
  readonly path: string;
  readonly status: number;
  readonly sse: boolean;
  readonly expect: Expected;
  /** Content-coding removed. */
  readonly body: Uint8Array;
}

interface FixtureFile {
  readonly path: string;
  readonly response: { readonly status: number; readonly headers: Readonly<Record<string, string>> };
  readonly expect: Expected;
}

export function readFixture(name: string): Fixture {
  const file: FixtureFile = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8"));
  const { status, headers } = file.response;
  const raw = readFileSync(join(FOLDER, `${name}.body`));
  const encoding = headers["content-encoding"];
  const body = encoding === "gzip" ? gunzipSync(raw) : encoding === "br" ? brotliDecompressSync(raw) : raw;
  return {
    name,
    path: file.path,
    status,
    sse: headers["content-type"]?.includes("event-stream") === true,
    expect: file.expect,
    body: new Uint8Array(body),
  };
}

export const fixtures: readonly Fixture[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".body"))
  .map((file) => readFixture(file.slice(0, -".body".length)));

export interface RequestCase {
  readonly name: string;
  readonly body: Uint8Array;
  readonly optional: boolean;
  readonly chunkSizes: readonly number[];
  readonly everyTwoWaySplit: boolean;
  readonly models: readonly (string | null)[];
  readonly stream: boolean | undefined;
  readonly includeUsage: boolean | null | undefined;
}

type Part = string | { readonly repeat: string; readonly times: number };

interface CaseFile {
  readonly name: string;
  readonly optional?: boolean;
  readonly body?: string;
  readonly body_b64?: string;
  readonly generator?: { readonly concat: readonly Part[] };
  readonly chunk_sizes?: readonly number[];
  readonly every_two_way_split?: boolean;
  readonly expected_model: string | null;
  readonly accept?: readonly (string | null)[];
  readonly expected_stream?: boolean;
  readonly expected_include_usage?: boolean | null;
}

export function readRequestCases(): RequestCase[] {
  const file: { readonly cases: readonly CaseFile[] } = JSON.parse(
    readFileSync(join(FOLDER, "requests.json"), "utf8"),
  );
  return file.cases.map((one) => ({
    name: one.name,
    body: buildBody(one),
    optional: one.optional === true,
    chunkSizes: one.chunk_sizes ?? [],
    everyTwoWaySplit: one.every_two_way_split === true,
    models: [one.expected_model, ...(one.accept ?? [])],
    stream: one.expected_stream,
    includeUsage: one.expected_include_usage,
  }));
}

function buildBody({ body, body_b64, generator }: CaseFile): Uint8Array {
  if (body_b64 !== undefined) return new Uint8Array(Buffer.from(body_b64, "base64"));
  const parts = generator?.concat ?? [body ?? ""];
  const text = parts
    .map((part) => (typeof part === "string" ? part : part.repeat.repeat(part.times)))
    .join("");
  return new TextEncoder().encode(text);
}

/** Chunk sizes that every scanner and tap must be indifferent to. */
export const CHUNK_SIZES: readonly number[] = [1, 2, 3, 7, 61, 64, 1024, 4096, 16_384, 65_536];

export function cutEvery(body: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < body.length; i += size) chunks.push(body.subarray(i, i + size));
  return chunks;
}

export function cutAt(body: Uint8Array, index: number): Uint8Array[] {
  return [body.subarray(0, index), body.subarray(index)];
}

export function readWith(
  chunks: readonly Uint8Array[],
  options: { readonly path: string; readonly status?: number; readonly sse?: boolean | undefined },
): TapResult {
  const { path, status = 200, sse } = options;
  const tap = createUsageTap({ wire: wireOf(path), sse, status });
  for (const chunk of chunks) tap.push(chunk);
  tap.end();
  return tap.result();
}
