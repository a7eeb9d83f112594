import { describe, expect, it } from "vitest";
import { formatDenyKey, formatDenyValue, parseDenyKey, parseDenyValue } from "../../../src/deny/entry.ts";
import { parseRfc3339 } from "../../../src/deny/rfc3339.ts";

describe("parseDenyKey", () => {
  it("reads tenants and keys over the whole of u64, and writes them back the same", () => {
    for (const id of [
      "0",
      "1",
      "42",
      "4294967295",
      "4294967296",
      "9007199254740993",
      "18446744073709551615",
    ]) {
      for (const [key, kind] of [
        [`blackhole.${id}`, "tenant"],
        [`blackhole.key.${id}`, "key"],
      ] as const) {
        const parsed = parseDenyKey(key);
        expect(parsed?.kind).toBe(kind);
        expect(formatDenyKey(parsed!)).toBe(key);
      }
    }
  });

  it.each([
    "blackhole",
    "blackhole.",
    "blackhole.key",
    "blackhole.key.",
    "blackhole.042",
    "blackhole.key.00",
    "blackhole.-1",
    "blackhole.+1",
    "blackhole.1.2",
    "blackhole.1e3",
    "blackhole.0x1",
    "blackhole. 1",
    "blackhole.1 ",
    "blackhole.18446744073709551616",
    "blackhole.key.99999999999999999999",
    "blackhole.tenant.1",
    "blackhole.Key.1",
    "Blackhole.1",
    "config.blackhole.1",
    "blackhole.١",
    "",
  ])("ignores the foreign key %j", (key) => {
    expect(parseDenyKey(key)).toBeUndefined();
  });
});

describe("parseDenyValue", () => {
  it("reads the two plain reasons", () => {
    expect(parseDenyValue("spend")).toEqual({ reason: "spend", expiresAt: 0 });
    expect(parseDenyValue("fraud")).toEqual({ reason: "fraud", expiresAt: 0 });
  });

  it.each([
    ['{"reason":"spend"}', { reason: "spend", expiresAt: 0 }],
    ['{"reason":"fraud","expires_at":null}', { reason: "fraud", expiresAt: 0 }],
    ['{"reason":"spend","expires_at":1796083200}', { reason: "spend", expiresAt: 1796083200 }],
    ['{"reason":"spend","expires_at":1796083200.25}', { reason: "spend", expiresAt: 1796083201 }],
    ['{"reason":"spend","expires_at":"2026-12-01T00:00:00Z"}', { reason: "spend", expiresAt: 1796083200 }],
    [
      ' {"expires_at":"2026-12-01T01:30:00+01:30","reason":"spend"} ',
      { reason: "spend", expiresAt: 1796083200 },
    ],
    ['{"reason":"abuse","expires_at":1796083200}', { reason: "unknown", expiresAt: 1796083200 }],
    ['{"expires_at":1796083200}', { reason: "unknown", expiresAt: 1796083200 }],
    ['{"reason":"spend","expires_at":0}', { reason: "spend", expiresAt: 1 }],
    ['{"reason":"spend","expires_at":-5}', { reason: "spend", expiresAt: 1 }],
    ['{"reason":"spend","expires_at":1796083200000}', { reason: "spend", expiresAt: 0 }],
  ])("reads %s", (text, deny) => {
    expect(parseDenyValue(text)).toEqual(deny);
  });

  it.each([
    "",
    "SPEND",
    "spend\n",
    '"spend"',
    "true",
    "null",
    "42",
    "[]",
    '["spend"]',
    "{",
    "{}",
    "\ufffd",
    "x".repeat(5000),
    '{"reason":"spend","expires_at":"tomorrow"}',
    '{"reason":"spend","expires_at":true}',
    '{"reason":"spend","expires_at":"2026-13-01T00:00:00Z"}',
    '{"reason":"spend"',
    `{"reason":"spend"}${" ".repeat(5000)}`,
  ])("denies as unknown and without an end for %j", (text) => {
    expect(parseDenyValue(text)).toEqual({ reason: "unknown", expiresAt: 0 });
  });

  it("reads back what it writes", () => {
    for (const deny of [
      { reason: "spend", expiresAt: 0 },
      { reason: "unknown", expiresAt: 0 },
      { reason: "fraud", expiresAt: 1 },
      { reason: "unknown", expiresAt: 0xffff_ffff },
    ] as const) {
      expect(parseDenyValue(formatDenyValue(deny))).toEqual(deny);
    }
  });
});

describe("parseRfc3339", () => {
  it.each([
    ["1970-01-01T00:00:00Z", 0],
    ["2000-02-29T12:30:45z", 951827445],
    ["2026-12-01 00:00:00.5Z", 1796083200.5],
    ["2026-11-30T16:00:00-08:00", 1796083200],
    ["2016-12-31T23:59:60Z", 1483228800],
    ["0001-01-01T00:00:00Z", -62135596800],
  ])("reads %s", (text, seconds) => {
    expect(parseRfc3339(text)).toBe(seconds);
  });

  it.each([
    "",
    "2026-12-01",
    "2026-12-01T00:00Z",
    "2026-12-01T00:00:00",
    "2026-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-12-01T24:00:00Z",
    "2026-12-01T00:60:00Z",
    "2026-12-01T00:00:61Z",
    "2026-12-01T00:00:00+24:00",
    "2026-12-01T00:00:00+0100",
    "2026-12-01T00:00:00.Z",
    "12026-12-01T00:00:00Z",
    " 2026-12-01T00:00:00Z",
    "2026-12-01T00:00:00Z\n",
    "Tue, 01 Dec 2026 00:00:00 GMT",
  ])("refuses %j", (text) => {
    expect(parseRfc3339(text)).toBeUndefined();
  });
});
