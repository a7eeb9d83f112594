import { describe, expect, test } from "vitest";
import { createUsageInjector, type InjectedBody, injectWhole } from "../../../src/scan/usage-injection.ts";
import { cutAt, cutEvery, scan } from "./fixtures.ts";
import { createRandom, pick, type Random, shuffle, writeString, writeWild } from "./wild-json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString("utf8");

const whole = (body: Uint8Array): InjectedBody => injectWhole(body, scan([body]));

function streamed(chunks: readonly Uint8Array[], declaredLength?: number) {
  const injector = createUsageInjector({ declaredLength });
  const parts = chunks.flatMap((chunk) => [...injector.push(chunk)]);
  parts.push(...injector.end());
  return { out: text(parts), asked: injector.asked };
}

interface Request {
  readonly stream?: unknown;
  readonly stream_options?: unknown;
}

function expectedOptions({ stream, stream_options: options }: Request): unknown {
  if (stream !== true) return options;
  if (options === undefined || options === null) return { include_usage: true };
  return typeof options === "object" && !Array.isArray(options)
    ? { ...options, include_usage: true }
    : options;
}

describe("usage injection", () => {
  test.each([
    [
      "adds the member before the last brace",
      '{"stream":true,"model":"m"}',
      '{"stream":true,"model":"m","stream_options":{"include_usage":true}}',
    ],
    [
      "keeps blanks where they are",
      ' {"stream" : true }\n',
      ' {"stream" : true ,"stream_options":{"include_usage":true}}\n',
    ],
    [
      "completes an empty object",
      '{"stream":true,"stream_options":{}}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      "completes an empty object with blanks",
      '{"stream":true,"stream_options":{ }}',
      '{"stream":true,"stream_options":{ "include_usage":true}}',
    ],
    [
      "keeps other members",
      '{"stream":true,"stream_options":{"a":[1]}}',
      '{"stream":true,"stream_options":{"a":[1],"include_usage":true}}',
    ],
    [
      "turns false into true",
      '{"stream":true,"stream_options":{"include_usage": false ,"a":1}}',
      '{"stream":true,"stream_options":{"include_usage": true ,"a":1}}',
    ],
    [
      "turns all duplicates",
      '{"stream":true,"stream_options":{"include_usage":true,"include_usage":0}}',
      '{"stream":true,"stream_options":{"include_usage":true,"include_usage":true}}',
    ],
    [
      "turns values of other kinds",
      '{"stream":true,"stream_options":{"include_usage":"no","b":{"include_usage":1}}}',
      '{"stream":true,"stream_options":{"include_usage":true,"b":{"include_usage":1}}}',
    ],
    [
      "turns an object value",
      '{"stream":true,"stream_options":{"include_usage":{"x":[]}}}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      "reads escaped names",
      '{"str\\u0065am":true,"stream\\u005foptions":{"include\\u005fusage":false}}',
      '{"str\\u0065am":true,"stream\\u005foptions":{"include\\u005fusage":true}}',
    ],
    [
      "replaces null",
      '{"stream":true,"stream_options":null}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    ["leaves a string", '{"stream":true,"stream_options":"x"}', '{"stream":true,"stream_options":"x"}'],
    ["leaves a number", '{"stream":true,"stream_options":1}', '{"stream":true,"stream_options":1}'],
    ["leaves an array", '{"stream":true,"stream_options":[]}', '{"stream":true,"stream_options":[]}'],
    [
      "leaves nested members of the same name",
      '{"x":{"stream_options":null},"stream":true,"stream_options":{"include_usage":true}}',
      '{"x":{"stream_options":null},"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      "takes the last of two stream members",
      '{"stream":true,"stream":false}',
      '{"stream":true,"stream":false}',
    ],
    [
      "leaves a body that does not stream",
      '{"stream":"true","messages":[]}',
      '{"stream":"true","messages":[]}',
    ],
    ["leaves an array", '[{"stream":true}]', '[{"stream":true}]'],
    ["leaves a body that is cut", '{"stream":true,"a":[', '{"stream":true,"a":['],
    [
      "leaves trailing bytes",
      '{"stream":true}{"x":{}}',
      '{"stream":true,"stream_options":{"include_usage":true}}{"x":{}}',
    ],
  ])("%s, in both forms and at every split", (_, body, expected) => {
    const input = bytes(body);
    expect(text([whole(input).body])).toBe(expected);
    expect(whole(input).asked).toBe(body !== expected);
    for (let i = 0; i <= input.length; i++) {
      expect(streamed(cutAt(input, i)), `cut at ${i}`).toEqual({ out: expected, asked: body !== expected });
    }
    const padded = streamed(cutEvery(input, 3), input.length).out;
    expect(padded).toBe(expected.padEnd(body.length + 64, " "));
  });

  test("a body that is not changed comes back as the same object", () => {
    for (const body of [
      '{"stream":false}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
      "",
      "nonsense",
    ]) {
      const input = bytes(body);
      expect(whole(input)).toEqual({ body: input, asked: false });
      expect(whole(input).body).toBe(input);
    }
  });

  test("a null before stream is seen is outdone by a new member when the body streams", () => {
    const body = '{"stream_options":null,"stream":true}';
    expect(text([whole(bytes(body)).body])).toBe('{"stream_options":{"include_usage":true},"stream":true}');
    const expected = '{"stream_options":null,"stream":true,"stream_options":{"include_usage":true}}';
    for (let i = 0; i <= body.length; i++)
      expect(streamed(cutAt(bytes(body), i))).toEqual({ out: expected, asked: true });
  });

  test("an object over 4 KiB passes unchanged, one of 4 KiB is edited", () => {
    const bodyOf = (size: number) =>
      `{"stream":true,"stream_options":{"a":"${"x".repeat(size - '{"a":""}'.length)}"}}`;
    for (const [size, asked] of [
      [4096, true],
      [4097, false],
    ] as const) {
      const input = bytes(bodyOf(size));
      expect(whole(input).asked).toBe(asked);
      for (const chunk of [1, 1000, 5000]) {
        const result = streamed(cutEvery(input, chunk), input.length);
        expect(result.asked).toBe(asked);
        expect(result.out.length).toBe(input.length + 64);
        if (!asked) expect(result.out.trimEnd()).toBe(bodyOf(size));
      }
    }
  });

  test("the declared length is filled exactly however many duplicates there are", () => {
    for (let copies = 0; copies < 12; copies++) {
      for (const value of [
        "{}",
        "null",
        '{"include_usage":0,"include_usage":1,"include_usage":2}',
        '{"include_usage":"a long text instead"}',
      ]) {
        const body = `{"stream":true${`,"stream_options":${value}`.repeat(copies)}}`;
        const { out, asked } = streamed(cutEvery(bytes(body), 7), body.length);
        expect(out.length).toBe(body.length + 64);
        expect(asked).toBe(true);
        expect(JSON.parse(out).stream_options).toEqual({ include_usage: true });
      }
    }
  });

  test("holds nothing but a stream_options in progress", () => {
    const injector = createUsageInjector();
    const passes = (chunk: string, expected: string) =>
      expect(text(injector.push(bytes(chunk)))).toBe(expected);
    passes('{"messages":["long text ', '{"messages":["long text ');
    passes('goes on"],"stream":true', 'goes on"],"stream":true');
    passes(',"stream_options":{"a', ',"stream_options":');
    passes('":1}', '{"a":1,"include_usage":true}');
    passes(',"x":1', ',"x":1');
    passes("}  ", "}  ");
  });

  test("untouched chunks are handed on as they are", () => {
    const injector = createUsageInjector();
    const chunk = bytes('{"stream":true,"messages":["');
    expect(injector.push(chunk)[0]).toBe(chunk);
  });

  test("background is known before the closing brace is handed on", () => {
    const injector = createUsageInjector();
    injector.push(bytes('{"background":false,"background":true,'));
    expect(injector.facts.background).toBe(true);
    expect(injector.facts.done).toBe(false);
    injector.push(bytes('"background":false}'));
    expect(injector.facts).toMatchObject({ background: false, done: true });
  });

  test("random bodies mean the same to JSON.parse but for the asking, in both forms and all cuts", () => {
    const random = createRandom(20261121);
    for (let run = 0; run < 1500; run++) {
      const body = writeRequest(random);
      const input = bytes(body);
      const before: Request = JSON.parse(body);
      const afterWhole: Request = JSON.parse(text([whole(input).body]));
      const expected = { ...before, stream_options: expectedOptions(before) };
      expect(afterWhole, body).toEqual(expected);
      const once = streamed([input], input.length);
      expect(once.out.length, body).toBe(input.length + 64);
      // The streaming form edits objects before it can know whether the body streams.
      if (before.stream === true && !hasDuplicates(body))
        expect(JSON.parse(once.out), body).toEqual(expected);
      // Of several objects only the first has room for an edit in place: a new last one takes over.
      if (before.stream === true && asks(expected)) expect(asks(JSON.parse(once.out)), body).toBe(true);
      for (const size of [1, 2, 5, 17])
        expect(streamed(cutEvery(input, size), input.length), body).toEqual(once);
    }
  });
});

function hasDuplicates(body: string): boolean {
  const names = body.replace(/\\u([0-9a-f]{4})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return names.split('"stream_options"').length > 2;
}

function asks({ stream_options: options }: Request): boolean {
  return (
    typeof options === "object" &&
    options !== null &&
    "include_usage" in options &&
    options.include_usage === true
  );
}

function writeRequest(random: Random): string {
  const blanks = [" ", "\n", "\t ", "\r\n  "];
  const members: [string, unknown][] = [
    ["model", "m"],
    ["messages", [{ role: "user", content: 'a "}' }]],
  ];
  if (random() < 0.9) members.push(["stream", pick([true, true, true, false, null, "true"], random)]);
  if (random() < 0.2) members.push(["stream", pick([true, false], random)]);
  const options = () =>
    pick<unknown>(
      [
        null,
        {},
        { a: "}" },
        { include_usage: false, b: 1 },
        { include_usage: true },
        { include_usage: null, c: {} },
      ],
      random,
    );
  if (random() < 0.7)
    members.push(["stream_options", random() < 0.9 ? options() : pick([1, "x", [1]], random)]);
  if (random() < 0.15) members.push(["stream_options", options()]);
  const written = shuffle(members, random).map(
    ([name, value]) => `${writeString(name, random)}:${writeWild(value, random, blanks)}`,
  );
  return `{${written.join(",")}}`;
}
