import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutAt, cutEvery, readRequestCases, scan } from "./fixtures.ts";
import { createRandom, cutAtRandom, writeWild } from "./wild-json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const scanText = (body: string) => scan([bytes(body)]);

describe("request scanner on the shared cases", () => {
  test.each(
    readRequestCases()
      .filter(({ optional }) => !optional)
      .map((one) => [one.name, one] as const),
  )("%s", (_, one) => {
    const cuts = [[one.body], ...[1, ...one.chunkSizes].map((size) => cutEvery(one.body, size))];
    if (one.everyTwoWaySplit) for (let i = 0; i <= one.body.length; i++) cuts.push(cutAt(one.body, i));
    const { textBytes } = scan([one.body]);
    for (const chunks of cuts) {
      const facts = scan(chunks);
      expect(one.models).toContain(facts.model ?? null);
      if (one.stream !== undefined) expect(facts.stream).toBe(one.stream);
      if (one.includeUsage !== undefined) expect(facts.includeUsage ?? null).toBe(one.includeUsage);
      expect(facts.textBytes).toBe(textBytes);
    }
  });
});

describe("request scanner", () => {
  test.each([
    ["over 256 bytes", bytes(`{"model":"${"m".repeat(257)}"}`)],
    ["with a control character", bytes('{"model":"a\\u0000b"}')],
    ["with a raw control character", bytes('{"model":"a\nb"}')],
    ["with a C1 control character", bytes('{"model":"a\\u0085b"}')],
    ["with half a surrogate pair", bytes('{"model":"a\\ud83d"}')],
    ["with halves in the wrong order", bytes('{"model":"\\udc00\\ud83d"}')],
    ["that is not UTF-8", new Uint8Array([...bytes('{"model":"a'), 0xff, ...bytes('"}')])],
    ["that ends within a character", new Uint8Array([...bytes('{"model":"a'), 0xe2, 0x82, ...bytes('"}')])],
  ])("a model %s is unusable, and is told from an absent one", (_, body) => {
    for (let i = 0; i <= body.length; i++) {
      expect(scan(cutAt(body, i))).toMatchObject({ model: undefined, modelUnusable: true });
    }
  });

  test("a model of 256 bytes is kept whole", () => {
    const model = "é".repeat(128);
    expect(scanText(`{"model":"${model}"}`)).toMatchObject({ model, modelUnusable: false });
  });

  test("a later model of another kind takes the earlier one away", () => {
    for (const later of ["null", "1", "{}", "[]"]) {
      expect(scanText(`{"model":"a","model":${later}}`)).toMatchObject({
        model: undefined,
        modelUnusable: false,
      });
    }
  });

  test("only the literal true counts for stream and background, and the last one wins", () => {
    expect(scanText('{"stream":true,"background":true}')).toMatchObject({ stream: true, background: true });
    for (const value of ["false", "null", "1", '"true"', "{}", "[true]", "True", "trueish"]) {
      expect(
        scanText(`{"stream":true,"background":true,"stream":${value},"background":${value}}`),
      ).toMatchObject({
        stream: false,
        background: false,
      });
    }
    expect(scanText('{"x":{"background":true},"y":[{"stream":true}]}')).toMatchObject({
      stream: false,
      background: false,
    });
    expect(scanText('{"backgr\\u006fund":true}').background).toBe(true);
  });

  test("bodies in UTF-16 and UTF-32 are called unreadable, with and without a byte order mark", () => {
    const body = '{"model":"m"}';
    const utf16le = new Uint8Array(Buffer.from(body, "utf16le"));
    const utf16be = utf16le.slice();
    for (let i = 0; i < utf16be.length; i += 2) utf16be.subarray(i, i + 2).reverse();
    const utf32le = new Uint8Array(new Uint32Array([...body].map((c) => c.charCodeAt(0))).buffer);
    for (const raw of [utf16le, utf16be, utf32le]) {
      for (let i = 0; i <= 6; i++) expect(scan(cutAt(raw, i)).unreadable).toBe(true);
    }
    expect(scan([new Uint8Array([0xff, 0xfe, ...utf16le])]).unreadable).toBe(true);
    expect(scan([new Uint8Array([0xfe]), new Uint8Array([0xff, ...utf16be])]).unreadable).toBe(true);
  });

  test("a UTF-8 byte order mark is skipped", () => {
    const body = new Uint8Array([0xef, 0xbb, 0xbf, ...bytes('{"model":"m"}')]);
    for (let i = 0; i <= body.length; i++) {
      expect(scan(cutAt(body, i))).toMatchObject({ model: "m", unreadable: false, done: true });
    }
  });

  test.each<[string, string, number]>([
    ["values and not names", '{"name":"four","o":{"name":["a","bc"]}}', 7],
    ["decoded bytes", '{"a":"\\n\\u00e9\\ud83d\\ude80é","b":["\\n\\u00e9\\ud83d\\ude80é"]}', 18],
    ["no data URIs", '{"a":"data:image/png;base64,AAAA","b":["data:x","ok","d\\u0061ta:x","data"]}', 6],
    [
      "no strings under data",
      '{"data":"AAAA","o":{"data":"AAAA","x":"yes"},"p":[{"d\\u0061ta" : "AA"},{"data":{"k":"in"}}]}',
      5,
    ],
  ])("text bytes count %s", (_, body, expected) => {
    const input = bytes(body);
    for (let i = 0; i <= input.length; i++)
      expect(scan(cutAt(input, i)).textBytes, `cut at ${i}`).toBe(expected);
    expect(scan(cutEvery(input, 1)).textBytes).toBe(expected);
  });

  test("agrees with JSON.parse on any document, however written and cut", () => {
    const names = fc.constantFrom(
      "model",
      "stream",
      "background",
      "stream_options",
      "include_usage",
      "data",
      "x",
      "",
    );
    const { value } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
      object: fc.dictionary(names, tie("value"), { maxKeys: 6 }),
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: "grapheme", maxLength: 12 }),
        fc.constantFrom(true, false, null, 0, -1.5e-7, "data:image/png;base64,AA", "data", 'q"\\'),
        fc.array(tie("value"), { maxLength: 4 }),
        tie("object"),
      ),
    }));
    fc.assert(
      fc.property(value, fc.integer(), (document, seed) => {
        const random = createRandom(seed);
        const facts = scan(cutAtRandom(bytes(writeWild(document, random, [" ", "\n", "\t\r\n "])), random));
        const root = isObject(document) ? document : {};
        const options = isObject(root.stream_options) ? root.stream_options : {};
        const asked = options.include_usage;
        expect(facts).toMatchObject({
          stream: root.stream === true,
          background: root.background === true,
          includeUsage: typeof asked === "boolean" ? asked : undefined,
          textBytes: textBytesOf(document),
          done: true,
        });
        if (!facts.modelUnusable)
          expect(facts.model).toBe(typeof root.model === "string" ? root.model : undefined);
      }),
      { numRuns: 3000 },
    );
  });

  test("never throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 })), (chunks) => {
        scan(chunks);
      }),
      { numRuns: 2000 },
    );
  });
});

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textBytesOf(value: unknown): number {
  if (typeof value === "string") return value.startsWith("data:") ? 0 : bytes(value).length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + textBytesOf(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [name, member]) => sum + (name === "data" && typeof member === "string" ? 0 : textBytesOf(member)),
    0,
  );
}
