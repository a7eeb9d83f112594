/** What reads a body and is used again says the same as one that is new, whatever it read before and however that broke off. */
import { describe, expect, test } from "vitest";
import { type RequestFacts, scanWhole } from "../../../src/scan/request-scanner.ts";
import { createUsageTap, type TapResult } from "../../../src/scan/usage-tap.ts";
import { wireOf } from "../../../src/scan/wires.ts";
import { fixtures, readRequestCases, scan, type TapFixture } from "./fixtures.ts";

/** Where a body breaks off: in its first bytes, its middle, its last ones, and not at all. */
const cuts = (body: Uint8Array): Uint8Array[] =>
  [7, body.length >> 1, body.length - 3, body.length].map((at) => body.subarray(0, at));

describe("a request scanner that is used again", () => {
  const factsOf = (facts: RequestFacts) => ({
    model: facts.model,
    modelUnusable: facts.modelUnusable,
    stream: facts.stream,
    background: facts.background,
    includeUsage: facts.includeUsage,
    textBytes: facts.textBytes,
    done: facts.done,
    unreadable: facts.unreadable,
    streamOptions: facts.streamOptions,
    rootEnd: facts.rootEnd,
  });
  const bodies = [
    ...readRequestCases().map(({ body }) => body),
    new TextEncoder().encode('{"model":"a\\u0000b","background":true,"stream":true}'),
    new TextEncoder().encode('[1,{"model":"x"}]'),
    new Uint8Array([0xff, 0xfe, 0x7b, 0x00]),
  ].filter(({ length }) => length < 100_000);

  test("says the same as a new one", () => {
    for (const before of bodies) {
      for (const broken of cuts(before)) {
        for (const body of bodies) {
          scanWhole(broken);
          expect(factsOf(scanWhole(body))).toEqual(factsOf(scan([body])));
        }
      }
    }
  });
});

describe("a tap's reader that is used again", () => {
  const read = ({ path, status, sse }: TapFixture, body: Uint8Array, isReleased: boolean): TapResult => {
    const tap = createUsageTap({ wire: wireOf(path), sse, status });
    tap.push(body);
    tap.end();
    const result = tap.result();
    if (isReleased) tap.release();
    return result;
  };
  const documents = fixtures.filter(({ sse, body }) => !sse && body.length < 100_000);
  // None is used again before the first is released.
  const fresh = documents.map((fixture) => read(fixture, fixture.body, false));

  test("says the same as a new one", () => {
    for (const before of documents) {
      for (const broken of cuts(before.body)) {
        for (const [i, fixture] of documents.entries()) {
          // Over the same wire, as another one has readers of its own.
          read({ ...before, path: fixture.path }, broken, true);
          expect(read(fixture, fixture.body, true), `${fixture.name} after ${before.name}`).toEqual(fresh[i]);
        }
      }
    }
  });
});
