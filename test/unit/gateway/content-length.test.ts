import { expect, test } from "vitest";
import { readContentLength } from "../../../src/gateway/content-length.ts";

test.each([
  ["0", 0],
  ["007", 7],
  ["65536", 65_536],
  ["999999999999999", 999_999_999_999_999],
])("%j is a length", (value, length) => {
  expect(readContentLength(value)).toBe(length);
});

test.each([
  "",
  " 1",
  "1 ",
  "+1",
  "-1",
  "1.0",
  "1e3",
  "0x10",
  "1,1",
  "1, 1",
  "/",
  ":",
  "١",
  "1000000000000000",
])("%j is none", (value) => {
  expect(readContentLength(value)).toBeUndefined();
});
