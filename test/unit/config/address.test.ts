import { describe, expect, it } from "vitest";
import { formatListenAddress, parseAuthority, parseListenAddress } from "../../../src/config/address.ts";

describe("parseListenAddress", () => {
  it.each([
    ["0.0.0.0:8080", "0.0.0.0", 8080],
    ["localhost:0", "localhost", 0],
    ["[::]:65535", "::", 65_535],
    ["[fe80::1]:80", "fe80::1", 80],
  ])("reads %s and writes it again", (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ host, port });
    expect(formatListenAddress({ host, port })).toBe(text);
  });

  it.each([
    "",
    ":",
    ":8080",
    "8080",
    "localhost",
    "localhost:",
    "h:65536",
    "h:080808",
    "h:-1",
    "h:1:2",
    "::1",
    "[::1]",
    "[]:1",
    "[x]:1",
    "[::1:1",
    "h :1",
    "1.2.3:1",
    "1.2.3.256:1",
    "1.2.3.4.5:1",
    "http://h:1",
    "h:1/",
  ])("refuses %j", (text) => {
    expect(parseListenAddress(text)).toBeUndefined();
  });
});

describe("parseAuthority", () => {
  it.each([
    ["api.openai.com", "api.openai.com:443"],
    ["API.Example:8443", "api.example:8443"],
    ["127.0.0.1:9", "127.0.0.1:9"],
    ["my_llm:8000", "my_llm:8000"],
    ["[::1]", "[::1]:443"],
    ["x", "x:443"],
  ])("reads %s as %s", (text, authority) => {
    expect(parseAuthority(text)).toBe(authority);
  });

  it.each([
    "",
    "h:0",
    "h:",
    "https://h",
    "h/v1",
    "u:p@h",
    "u@h",
    "h?x",
    "h#x",
    "a b",
    "a\nb",
    "h..i",
    ".h",
    "h.",
    "-",
    "é.com",
    "1.2.3",
    "::1",
    "a".repeat(254),
  ])("refuses %j", (text) => {
    expect(parseAuthority(text)).toBeUndefined();
  });
});
