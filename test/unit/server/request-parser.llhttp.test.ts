/** The request parser beside llhttp, which Node's own server reads with: what we take, it takes for the same request. */
import { createServer, METHODS } from "node:http";
import { duplexPair } from "node:stream";
import fc from "fast-check";
import { expect, it } from "vitest";
import { RequestParser } from "../../../adapters/server/http/server/request-parser.ts";

interface Read {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  body: string;
}

/** Mostly the first. */
const mostly = (usual: fc.Arbitrary<string>, ...odd: string[]): fc.Arbitrary<string> =>
  fc.oneof({ arbitrary: usual, weight: 40 }, { arbitrary: fc.constantFrom("", ...odd), weight: 1 });

const word = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
const lineEnd = mostly(fc.constant("\r\n"), "\n", "\r", "\r\r\n", "\r\n ");
const target = mostly(
  word.map((name) => `/${name}`),
  "*",
  "http://h/a",
  "/a b",
  "/\t",
  "/a#b",
  "/\x7f",
);
const version = mostly(fc.constant("HTTP/1.1"), "HTTP/1.0", "HTTP/1.1 ", "HTTP/2.0", "http/1.1", "RTSP/1.0");
const separator = mostly(fc.constant(": "), ":", " : ", ":\t");
const value = mostly(word, "\x80\xff", "a\tb", "a\x01b", "a\rb", "a\0b", " ", ",", '"q"');
const field = fc.tuple(word, separator, value).map((parts) => parts.join(""));

const counted = fc
  .tuple(
    fc.stringMatching(/^[a-c\r\n0 :]{0,20}$/),
    fc.option(fc.constantFrom("+1", "0x1", "1,1", "01", "1 1", "")),
  )
  .map(([data, length]) => ({ fields: [`Content-Length: ${length ?? data.length}`], body: data }));

const chunk = fc
  .tuple(word, mostly(fc.constant(""), ";a=b", ";a\rb", "g"), lineEnd, lineEnd)
  .map(([data, more, end, dataEnd]) => `${data.length.toString(16)}${more}${end}${data}${dataEnd}`);
const chunked = fc
  .tuple(
    mostly(
      fc.constant("chunked"),
      "Chunked",
      "gzip, chunked",
      "chunked, chunked",
      "identity",
      "xchunked",
      "chunked,",
    ),
    fc.array(chunk, { maxLength: 4 }),
    mostly(fc.constant("0\r\n"), "00\r\n", "0;x\r\n", "0\n"),
    mostly(
      fc.constant("\r\n"),
      "X: y\r\n\r\n",
      "bad\r\n\r\n",
      "X : y\r\n\r\n",
      " x\r\n\r\n",
      "X: \x01\r\n\r\n",
    ),
  )
  .map(([coding, chunks, last, end]) => ({
    fields: [`Transfer-Encoding: ${coding}`],
    body: [...chunks, last, end].join(""),
  }));

const request = fc
  .record({
    method: mostly(fc.constantFrom("GET", "POST", "DELETE", "HEAD"), "get", "P0ST", " GET", "PO\tST"),
    target,
    version,
    lineEnd,
    framed: fc.oneof(counted, chunked, fc.constant({ fields: [], body: "" })),
    fields: fc.array(mostly(field, " folded", "Host: two", "Connection: close", "Content-Length: 3"), {
      maxLength: 4,
    }),
  })
  .map(({ method, target, version, lineEnd, framed, fields }) => {
    const lines = [`${method} ${target} ${version}`, "Host: h", ...fields, ...framed.fields].join("\r\n");
    return `${lines}${lineEnd}\r\n${framed.body}`;
  });

/** One that is broken at any place, or not. */
const wild = fc
  .tuple(request, fc.option(fc.tuple(fc.nat(400), fc.constantFrom("", "\r", "\n", "\0", " ", ":", "x"))))
  .map(([text, broken]) => {
    if (!broken) return text;
    const at = broken[0] % text.length;
    return text.slice(0, at) + broken[1] + text.slice(at + 1);
  });

/** The first request, and the bytes that it stands in; undefined where the parser refuses or waits for more. */
function readByUs(text: string): { readonly read: Read; readonly bytes: Buffer } | undefined {
  const bytes = Buffer.from(text, "latin1");
  let read: Read | undefined;
  const parser = new RequestParser({
    onHead({ method, target, headers }) {
      read = { method, target, headers, body: "" };
    },
    onBody(data) {
      read!.body += Buffer.from(data).toString("latin1");
    },
    onEnd() {},
  });
  let at = 0;
  try {
    // The parser takes the bytes over.
    for (const own = Buffer.from(bytes); at < own.length && !parser.isDone; ) at = parser.push(own, at);
  } catch {
    return undefined;
  }
  return parser.isDone && read ? { read, bytes: bytes.subarray(0, at) } : undefined;
}

/** What Node's own server makes of the bytes: a request that is whole, or the name of what is wrong. */
function readByNode(bytes: Buffer): Promise<Read | string> {
  return new Promise((resolve) => {
    const [client, connection] = duplexPair();
    const server = createServer((incoming, response) => {
      const { method = "", url: target = "", rawHeaders: headers } = incoming;
      const read: Read = { method, target, headers, body: "" };
      incoming.setEncoding("latin1").on("data", (data: string) => {
        read.body += data;
      });
      incoming.on("error", () => {});
      incoming.on("end", () => {
        resolve(read);
        response.end();
      });
    });
    server.on("clientError", (error: NodeJS.ErrnoException) => {
      resolve(String(error.code));
      connection.destroy();
    });
    connection.on("close", () => resolve("closed"));
    server.emit("connection", connection);
    client.on("error", () => {}).resume();
    client.end(bytes);
  });
}

it("takes no request that llhttp refuses or reads otherwise", async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(wild, async (text) => {
      const ours = readByUs(text);
      // llhttp knows a list of methods.
      if (!ours || !METHODS.includes(ours.read.method)) return;
      compared++;
      expect(await readByNode(ours.bytes)).toEqual(ours.read);
    }),
    { numRuns: 5000 },
  );
  expect(compared).toBeGreaterThan(500);
});
