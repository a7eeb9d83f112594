/** The HTTP/1.1 parser of the servers' HTTP client: whole, byte by byte, cut at every index, and what it must refuse. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResponseHead } from "../../../adapters/server/http/client/http-client.ts";
import { ResponseParser } from "../../../adapters/server/http/client/response-parser.ts";
import { ProtocolError } from "../../../adapters/server/http/message-head.ts";

interface Parsed {
  readonly head: ResponseHead | undefined;
  readonly hasBody: boolean | undefined;
  readonly body: string;
  /** Undefined: it did not end. */
  readonly keepAlive: boolean | undefined;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const text = (data: Uint8Array): string => String.fromCharCode(...data);

function parse(pieces: readonly string[], { method = "GET", closes = false } = {}): Parsed {
  let head: ResponseHead | undefined;
  let hasBody: boolean | undefined;
  let body = "";
  let keepAlive: boolean | undefined;
  const parser = new ResponseParser(method, {
    onHead: (received, has) => {
      head = received;
      hasBody = has;
    },
    onBody: (data) => {
      body += text(data);
    },
    onEnd: (reusable) => {
      keepAlive = reusable;
    },
  });
  for (const piece of pieces) parser.push(bytes(piece));
  if (closes) parser.close();
  return { head, hasBody, body, keepAlive };
}

const COUNTED = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b c \r\n\r\nhello";
const CHUNKED =
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0a;x="y"\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n';
const UNTIL_CLOSE = "HTTP/1.1 200 \r\ncontent-type: a/b\r\n\r\nrest";
const INTERIM = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${COUNTED}`;

describe("the response parser", () => {
  it.each([
    ["a counted body", COUNTED, { body: "hello", keepAlive: true }],
    ["chunks, their extensions and a trailer", CHUNKED, { body: "abc0123456789", keepAlive: true }],
    ["a body that ends with its connection", UNTIL_CLOSE, { body: "rest", keepAlive: false }],
    ["interim responses before the real one", INTERIM, { body: "hello", keepAlive: true }],
    [
      "an empty body",
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
      { body: "", hasBody: true, keepAlive: true },
    ],
    ["204", "HTTP/1.1 204 No Content\r\n\r\n", { body: "", hasBody: false, keepAlive: true }],
    ["304 with a length", "HTTP/1.1 304 X\r\ncontent-length: 9\r\n\r\n", { hasBody: false, keepAlive: true }],
    [
      "connection: close",
      "HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 1\r\n\r\na",
      { body: "a", keepAlive: false },
    ],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", { body: "a", keepAlive: false }],
    [
      "bytes after the end: the connection does not live on",
      `${COUNTED}HTTP/1.1 200 OK\r\n`,
      { body: "hello", keepAlive: false },
    ],
  ])("reads %s, cut anywhere", (_, response, expected) => {
    const closes = expected.keepAlive === false && response === UNTIL_CLOSE;
    const whole = parse([response], { closes });
    expect(whole).toMatchObject(expected);
    // What follows the end of a response in a piece of its own is the connection's to refuse.
    if (response.includes("helloHTTP")) return;
    expect(parse([...response], { closes })).toEqual(whole);
    for (let at = 0; at <= response.length; at++) {
      expect(parse([response.slice(0, at), response.slice(at)], { closes })).toEqual(whole);
    }
  });

  it("gives names and values as they stand, blanks around values aside", () => {
    expect(parse([COUNTED]).head).toEqual({
      status: 200,
      statusText: "OK",
      headers: ["Content-Length", "5", "X-A", "b c"],
    });
  });

  it("takes no more than blanks off a value", () => {
    expect(parse(["HTTP/1.1 200 OK\r\nx: \t\xa0b\xa0 \r\ny:\r\nz: : \r\n\r\n"]).head?.headers).toEqual([
      "x",
      "\xa0b\xa0",
      "y",
      "",
      "z",
      ":",
    ]);
  });

  it("refuses a head that is too large, in one piece too", () => {
    expect(() => parse([`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`])).toThrow(ProtocolError);
  });

  it("knows that the answer to HEAD has no body, whatever it declares", () => {
    const response = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    expect(parse([response], { method: "HEAD" })).toMatchObject({ hasBody: false, keepAlive: true });
  });

  it.each([
    ["a counted body", COUNTED.slice(0, -1)],
    ["chunks", CHUNKED.slice(0, -1)],
    ["a head", COUNTED.slice(0, 20)],
  ])("does not take a connection's end for the end of %s", (_, response) => {
    expect(parse([response], { closes: true }).keepAlive).toBeUndefined();
  });

  it.each([
    ["another protocol", "SSH-2.0-OpenSSH\r\n\r\n"],
    ["HTTP/2 in the clear", "HTTP/2.0 200 OK\r\n\r\n"],
    ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["a folded header", "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n"],
    ["a blank before the colon", "HTTP/1.1 200 OK\r\ncontent-length : 5\r\n\r\n"],
    ["a bare CR in a value", "HTTP/1.1 200 OK\r\na: b\rc: d\r\n\r\n"],
    ["a bare LF in a value", "HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n"],
    ["a NUL", "HTTP/1.1 200 OK\r\na: b\0\r\n\r\n"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\ncontent-length: 5x\r\n\r\n"],
    ["a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"],
    ["one length twice", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n"],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    ],
    ["a header without a name", "HTTP/1.1 200 OK\r\n: b\r\n\r\n"],
    ["a header without a colon", "HTTP/1.1 200 OK\r\na\r\nb: c\r\n\r\n"],
    ["a list of lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\n"],
    ["an unknown coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"],
    ["chunked twice", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n"],
    ["a chunk size that is no number", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"],
    ["a chunk size with a sign", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n+5\r\n"],
    ["a chunk size past counting", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffff\r\n"],
    ["a chunk longer than its size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n"],
    ["a chunk line without its CR", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\na\r\n"],
    ["interim responses without end", "HTTP/1.1 102 Processing\r\n\r\n".repeat(40)],
    ["an endless head", `HTTP/1.1 200 OK\r\na: ${"b".repeat(70_000)}`],
    ["an endless chunk line", `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;${"b".repeat(2_000)}`],
    [
      "an endless trailer",
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${"a: b\r\n".repeat(5_000)}`,
    ],
  ])("refuses %s, and repeats nothing of it", (_, response) => {
    expect(() => parse([response])).toThrow(ProtocolError);
    expect(() => parse([...response])).toThrow(/^bad message: [a-z' ]+$/i);
  });

  it("puts any body together again from any chunks in any pieces", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 12 }),
        fc.array(fc.nat({ max: 60 }), { maxLength: 30 }),
        (chunks, cuts) => {
          const framed = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${text(chunk)}\r\n`).join("");
          let rest = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${framed}0\r\n\r\n`;
          const pieces: string[] = [];
          for (const cut of cuts) {
            pieces.push(rest.slice(0, cut));
            rest = rest.slice(cut);
          }
          const parsed = parse([...pieces, rest]);
          expect(parsed.body).toBe(chunks.map(text).join(""));
          expect(parsed.keepAlive).toBe(true);
        },
      ),
    );
  });
});
