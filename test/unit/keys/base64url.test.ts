import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64Any, decodeBase64Url, encodeBase64Url } from "../../../src/keys/base64url.ts";

describe("base64url", () => {
  it("encodes as the platform does and decodes its own text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = encodeBase64Url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64url"));
        expect(decodeBase64Url(text)).toEqual(bytes);
      }),
    );
  });

  it("accepts one spelling for each byte string and no other", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."AQZw-_09=+/ \u0141"), maxLength: 9 }), (text) => {
        const bytes = decodeBase64Url(text);
        if (bytes !== undefined) expect(encodeBase64Url(bytes)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["A", "AB", "AAB", "AA==", "AA\n", "A+AA", "A/AA", "AAA\u0101", "AAAAA"])("refuses %j", (text) => {
    expect(decodeBase64Url(text)).toBeUndefined();
  });

  it("decodes a slice in place", () => {
    expect(decodeBase64Url("..AQID..", 2, 6)).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe("decodeBase64Any", () => {
  it("reads both alphabets, padded or not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const padded = Buffer.from(bytes).toString("base64");
        const bare = padded.replace(/=+$/, "");
        const padding = padded.slice(bare.length);
        const urlText = Buffer.from(bytes).toString("base64url");
        for (const text of [padded, bare, urlText, urlText + padding])
          expect(decodeBase64Any(text)).toEqual(bytes);
      }),
    );
  });

  it.each(["-+AA", "AA=", "AAA==", "AAAA=", "AAAA==", "A===", "AQ==\n", " AQ=="])("refuses %j", (text) => {
    expect(decodeBase64Any(text)).toBeUndefined();
  });
});
