/** The shared fixtures, decoded, and the ways to cut them that fixtures/README.md asks for. */
import { readFileSync } from "node:fs";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { createRequestScanner, type RequestFacts } from "../../../src/scan/request-scanner.ts";
import { createUsageTap, type TapResult } from "../../../src/scan/usage-tap.ts";
import { wireOf } from "../../../src/scan/wires.ts";
import { type FixtureExpectation, fixtureNames, readFixture } from "../../support/fixtures.ts";

/** A fixture as a tap is given it. */
export interface TapFixture {
  readonly name: string;
  readonly path: string;
  readonly status: number;
  readonly sse: boolean;
  readonly expect: FixtureExpectation;
  /** Content-coding removed. */
  readonly body: Uint8Array;
}

export const fixtures: readonly TapFixture[] = fixtureNames.map((name) => {
  const { path, response, expect, body } = readFixture(name);
  const { status, headers } = response;
  const encoding = headers["content-encoding"];
  const plain =
    encoding === "gzip" ? gunzipSync(body) : encoding === "br" ? brotliDecompressSync(body) : body;
  const sse = headers["content-type"]?.includes("event-stream") === true;
  return { name, path, status, sse, expect, body: new Uint8Array(plain) };
});

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
    readFileSync(new URL("../../fixtures/requests.json", import.meta.url), "utf8"),
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

/** What the request scanner says of a body that comes in these chunks. */
export function scan(chunks: readonly Uint8Array[]): RequestFacts {
  const scanner = createRequestScanner();
  for (const chunk of chunks) scanner.push(chunk);
  scanner.end();
  return scanner;
}

export function readWith(
  chunks: readonly Uint8Array[],
  options: { readonly path: string; readonly status?: number; readonly sse?: boolean | undefined },
): TapResult {
  const { path, status = 200, sse } = options;
  const tap = createUsageTap({ wire: wireOf(path), sse, status });
  for (const chunk of chunks) tap.push(chunk);
  tap.end();
  const result = tap.result();
  tap.release();
  return result;
}
