import { describe, expect, it } from "vitest";
import { findCredential, withoutCredential } from "../../../src/gateway/credentials.ts";
import { readHeaders } from "../../../src/gateway/inbound.ts";

const find = (headers: readonly string[], query = "") => findCredential(readHeaders(headers), query);
const KEY = "bai_v1.1.x.y";

describe("findCredential", () => {
  it.each([
    [["authorization", `Bearer ${KEY}`]],
    [["Authorization", `bEARER   ${KEY}`]],
    [["authorization", KEY]],
    [["x-api-key", KEY]],
    [["api-key", KEY]],
    [["x-goog-api-key", KEY]],
  ])("finds a virtual key in %j", (headers) => {
    expect(find(headers)).toMatchObject({ value: KEY, managed: true, ambiguous: false });
  });

  it.each([`?key=${KEY}`, `?a=1&k%65y=%62ai_v1.1.x.y`, `?key=&key=${KEY}`])(
    "finds a virtual key in the query %s",
    (query) => {
      expect(find([], query)).toMatchObject({ value: KEY, managed: true });
    },
  );

  it.each([
    [["authorization", "Bearer sk-1", "x-api-key", KEY]],
    [["authorization", `Basic ${KEY}`]],
    [["authorization", `Bearer Bearer ${KEY}`]],
    [["authorization", "Bearer bai_v1. 1.x.y"]],
    [["x-api-key", "sk-1", "x-api-key", KEY]],
    [["x-api-key", `sk-1 ${KEY}`]],
  ])("never takes %j for BYO", (headers) => {
    expect(find(headers)?.managed).toBe(true);
  });

  it.each([
    [["authorization", `Bearer ${KEY}`, "authorization", `Bearer ${KEY}`]],
    [["authorization", `Bearer ${KEY},x`]],
    [["authorization", `Bearer ${KEY}`, "x-api-key", `${KEY}z`]],
    [["authorization", "Bearer sk-1", "authorization", "Bearer sk-2"]],
  ])("calls %j ambiguous", (headers) => {
    expect(find(headers)?.ambiguous).toBe(true);
  });

  it.each([[[]], [["authorization", ""]], [["authorization", "Bearer "]], [["x-api-key", " "]]])(
    "finds nothing in %j",
    (headers) => {
      expect(find(headers)).toBeUndefined();
    },
  );

  it("tells a BYO credential in x-api-key, which must go to Anthropic alone", () => {
    expect(find(["x-api-key", "sk-ant"])).toMatchObject({ managed: false, byoInXApiKey: true });
    expect(find(["x-api-key", "sk-ant", "authorization", "Bearer sk-1"])?.byoInXApiKey).toBe(true);
    expect(find(["authorization", "Bearer sk-1"])?.byoInXApiKey).toBe(false);
  });
});

describe("withoutCredential", () => {
  it.each([
    ["", ""],
    ["?a=1&b=%20", "?a=1&b=%20"],
    [`?key=${KEY}`, ""],
    [`?a=1&key=${KEY}&b=2`, "?a=1&b=2"],
    ["?a=1&k%65y=x", "?a=1"],
    [`?a=1&other=${KEY}`, "?a=1"],
  ])("makes %j %j", (query, kept) => {
    expect(withoutCredential(query, KEY)).toBe(kept);
  });
});
