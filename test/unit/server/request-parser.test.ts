/** The request parser of the servers: whole, byte by byte, cut at every index, and what it must refuse. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { knownField } from "../../../adapters/server/http/known-fields.ts";
import { ProtocolError } from "../../../adapters/server/http/message-head.ts";
import { type RequestHead, RequestParser } from "../../../adapters/server/http/server/request-parser.ts";

interface Parsed {
  readonly head: RequestHead;
  body: string;
  isWhole: boolean;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const text = (data: Uint8Array): string => String.fromCharCode(...data);

/** All requests in the pieces, one after the other. */
function parse(pieces: readonly string[]): Parsed[] {
  const requests: Parsed[] = [];
  const last = () => requests.at(-1)!;
  const parser = new RequestParser({
    onHead: (head) => requests.push({ head, body: "", isWhole: !head.hasBody }),
    onBody: (data) => {
      last().body += text(data);
    },
    onEnd: () => {
      last().isWhole = true;
    },
  });
  for (const piece of pieces.map(bytes)) {
    for (let at = 0; at < piece.length; ) {
      if (parser.isDone) parser.next();
      at = parser.push(piece, at);
    }
  }
  return requests;
}

const POST = "POST /v1/x?a=b HTTP/1.1\r\nHost: h\r\n";
const COUNTED = `${POST}Content-Length: 5\r\nX-A:  b c \r\n\r\nhello`;
const CHUNKED = `${POST}transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n0a;x="y"\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n`;
const BARE = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

describe("the request parser", () => {
  it.each([
    ["a counted body", COUNTED, ["hello"]],
    ["chunks, their extensions and a trailer", CHUNKED, ["abc0123456789"]],
    ["no body", BARE, [""]],
    ["a length of nothing", `${POST}content-length: 0\r\n\r\n`, [""]],
    [
      "requests one after the other",
      `${COUNTED}${CHUNKED}${BARE}${COUNTED}`,
      ["hello", "abc0123456789", "", "hello"],
    ],
    ["empty lines before a request", `\r\n\r\n${BARE}\r\n${BARE}`, ["", ""]],
  ])("reads %s, cut anywhere", (_, stream, bodies) => {
    const whole = parse([stream]);
    expect(whole.map(({ body }) => body)).toEqual(bodies);
    expect(whole.every(({ isWhole }) => isWhole)).toBe(true);
    expect(parse([...stream])).toEqual(whole);
    for (let at = 0; at <= stream.length; at++) {
      expect(parse([stream.slice(0, at), stream.slice(at)])).toEqual(whole);
    }
  });

  it("gives target, names and values as they stand, blanks around values aside", () => {
    expect(parse([COUNTED])[0]!.head).toEqual({
      method: "POST",
      target: "/v1/x?a=b",
      headers: ["Host", "h", "Content-Length", "5", "X-A", "b c"],
      isOld: false,
      keepAlive: true,
      hasBody: true,
      length: 5,
      expectsContinue: false,
    });
  });

  it("leaves a target alone, whatever it holds", () => {
    const target = "/a/../%2e\\\"'<>{}|^`\xe9//b?#x";
    expect(parse([`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`])[0]!.head.target).toBe(target);
  });

  it("reads each head for itself, however much it is like the one before", () => {
    const request = (headers: string) => `${POST}${headers}\r\n\r\n`;
    const values = (headers: string) => parse([request(headers)])[0]!.head.headers.slice(2);
    for (const headers of [
      ["user-agent", "one/1.0"],
      ["user-agent", "one/1.1"],
      ["user-agent", "one/1"],
      ["user-agent", ""],
      ["User-Agent", "one/1.0"],
      ["USER-AGENT", "one/1.0"],
      ["user-agenu", "one/1.0"],
      ["user-agent", "one/1.0 and more"],
      ["authorization", "Bearer one"],
      ["authorization", "Bearer two"],
      ["x-request-id", "é".repeat(600)],
    ])
      for (let again = 0; again < 2; again++) expect(values(headers.join(": "))).toEqual(headers);
    expect(() => values("user-agent: one/1.0\0")).toThrow(ProtocolError);
  });

  it("keeps no credential", () => {
    parse([`${POST}Authorization: Bearer one\r\nx-api-key: two\r\nuser-agent: three\r\n\r\n`]);
    parse([
      `${POST}cookie: four\r\napi-key: five\r\nx-goog-api-key: six\r\nproxy-authorization: seven\r\n\r\n`,
    ]);
    const kept = (name: string) => knownField(name, 0, name.length)?.value;
    expect(["Authorization", "authorization", "X-Api-Key", "x-api-key", "user-agent"].map(kept)).toEqual([
      "",
      "",
      "",
      "",
      "three",
    ]);
    expect(["cookie", "api-key", "x-goog-api-key", "proxy-authorization"].map(kept)).toEqual([
      "",
      "",
      "",
      "",
    ]);
  });

  it.each([
    ["HTTP/1.1", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", true],
    ["HTTP/1.1 that closes", "GET / HTTP/1.1\r\nHost: h\r\nConnection: TE, Close\r\n\r\n", false],
    ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", false],
    ["HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true],
  ])("knows whether a connection lives on: %s", (_, request, keepAlive) => {
    expect(parse([request])[0]!.head.keepAlive).toBe(keepAlive);
  });

  it("knows who waits for a 100 Continue", () => {
    const expecting = "Expect: 100-Continue\r\ncontent-length: 1\r\n\r\n";
    expect(parse([`${POST}${expecting}`])[0]!.head.expectsContinue).toBe(true);
    // RFC 9110 §10.1.1.
    expect(parse([`POST / HTTP/1.0\r\n${expecting}`])[0]!.head.expectsContinue).toBe(false);
  });

  it.each([
    ["a TLS handshake", "\x16\x03\x01\x02\x00", 400],
    ["a blank first", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ["HTTP/2 in the clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["HTTP/0.9", "GET /\r\n\r\n", 400],
    ["HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505],
    ["a version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n", 400],
    ["no target", "GET  HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ["a blank in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ["a method that is no token", "GE(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ["a NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ["lines without their CR", "GET / HTTP/1.1\nHost: h\n\n", 400],
    ["no host", "GET / HTTP/1.1\r\na: b\r\n\r\n", 400],
    ["two hosts", "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", 400],
    ["a folded header", `${POST}a: b\r\n c\r\n\r\n`, 400],
    ["a blank before the colon", `${POST}content-length : 5\r\n\r\n`, 400],
    ["a bare CR in a value", `${POST}a: b\rc: d\r\n\r\n`, 400],
    ["a NUL in a value", `${POST}a: b\0\r\n\r\n`, 400],
    ["two lengths", `${POST}content-length: 5\r\ncontent-length: 6\r\n\r\n`, 400],
    ["one length twice", `${POST}content-length: 5\r\ncontent-length: 5\r\n\r\n`, 400],
    ["a list of lengths", `${POST}content-length: 5, 5\r\n\r\n`, 400],
    ["a length and chunks", `${POST}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`, 400],
    ["an unknown coding", `${POST}transfer-encoding: gzip, chunked\r\n\r\n`, 400],
    ["chunks in HTTP/1.0", "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", 400],
    ["an unknown expectation", `${POST}expect: 200-ok\r\n\r\n`, 417],
    ["a chunk size that is no number", `${POST}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
    ["a chunk size with blanks behind it", `${POST}transfer-encoding: chunked\r\n\r\n1 \r\n`, 400],
    ["a broken chunk extension", `${POST}transfer-encoding: chunked\r\n\r\n1;a\rb\r\n`, 400],
    ["a trailer that is no field", `${POST}transfer-encoding: chunked\r\n\r\n0\r\nGET / HTTP/1.1\r\n`, 400],
    ["a trailer with a control character", `${POST}transfer-encoding: chunked\r\n\r\n0\r\nX: \x01\r\n`, 400],
    ["a target without its slash", "GET v1/x HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ["a tunnel", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ["a chunk longer than its size", `${POST}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`, 400],
    ["an endless head", `${POST}a: ${"b".repeat(70_000)}`, 431],
    ["more headers than anybody sends", `${POST}${"a:\r\n".repeat(1_001)}\r\n`, 431],
  ])("refuses %s, and repeats nothing of it", (_, request, status) => {
    for (const pieces of [[request], [...request]]) {
      const refusal = refusalOf(() => parse(pieces));
      expect(refusal.status).toBe(status);
      expect(refusal.message).toMatch(/^bad message: [a-z', ]+( in HTTP\/1\.0)?$/i);
    }
  });

  it("reads the largest head byte by byte", () => {
    const head = `${POST}a: ${"b".repeat(65_000)}\r\n\r\n`;
    expect(parse([...head])[0]!.head.headers[3]).toHaveLength(65_000);
  });

  it("puts any body together again from any chunks in any pieces", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 12 }),
        fc.array(fc.nat({ max: 60 }), { maxLength: 30 }),
        (chunks, cuts) => {
          const framed = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${text(chunk)}\r\n`).join("");
          let rest = `${POST}transfer-encoding: chunked\r\n\r\n${framed}0\r\n\r\n${BARE}`;
          const pieces: string[] = [];
          for (const cut of cuts) {
            pieces.push(rest.slice(0, cut));
            rest = rest.slice(cut);
          }
          const parsed = parse([...pieces, rest]);
          expect(parsed.map(({ body, isWhole }) => ({ body, isWhole }))).toEqual([
            { body: chunks.map(text).join(""), isWhole: true },
            { body: "", isWhole: true },
          ]);
        },
      ),
    );
  });
});

function refusalOf(run: () => void): ProtocolError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
