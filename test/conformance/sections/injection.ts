/** §6: asking for usage on the way up, in the bytes and in nothing else. */

import { expect } from "vitest";
import { BYO_KEY, chat, jsonBody, relayed, rowOf, type Section } from "../lab.ts";

const CHAT = "/openai/v1/chat/completions";
const ASKED_FOR = { stream_options: { include_usage: true } };
/** What the gateway may add to a declared length (gateway.md §6). */
const DECLARED_ROOM = 64;

interface Upload {
  readonly body: string;
  readonly wanted: Record<string, unknown>;
}

const asked = (value: Record<string, unknown>): Upload => ({
  body: JSON.stringify(value),
  wanted: { ...value, ...ASKED_FOR },
});

const INJECTED: Readonly<Record<string, Upload>> = {
  "a plain stream": asked(chat({ stream: true })),
  "stream first": asked({ stream: true, ...chat() }),
  "white space everywhere": {
    body: ' \n{ "model" : "m" ,\t"stream" :\r\n true , "messages" : [ ] } \n ',
    wanted: { model: "m", stream: true, messages: [], ...ASKED_FOR },
  },
  "braces and quotes in text": asked(chat({ stream: true, stop: '}{"stream_options":{},\\"\u2028' })),
  "an escaped key": {
    body: '{"model":"m","str\\u0065am":true}',
    wanted: { model: "m", stream: true, ...ASKED_FOR },
  },
  "stream twice, true last": {
    body: '{"stream":false,"model":"m","stream":true}',
    wanted: { stream: true, model: "m", ...ASKED_FOR },
  },
  "options null": { body: '{"stream_options":null,"stream":true}', wanted: { stream: true, ...ASKED_FOR } },
  "options empty": { body: '{"stream":true,"stream_options":{}}', wanted: { stream: true, ...ASKED_FOR } },
  "options false": {
    body: '{"stream":true,"stream_options":{"include_usage":false}}',
    wanted: { stream: true, ...ASKED_FOR },
  },
  "options with others": {
    body: '{"stream_options": { "include_obfuscation" : false, "x":{"include_usage":0} },"stream":true}',
    wanted: {
      stream: true,
      stream_options: { include_obfuscation: false, x: { include_usage: 0 }, include_usage: true },
    },
  },
  "options with an escaped member": {
    body: '{"stream":true,"stream_options":{"include_us\\u0061ge":false}}',
    wanted: { stream: true, ...ASKED_FOR },
  },
  "an escaped options key": {
    body: '{"stream":true,"stream\\u005foptions":{"a":1}}',
    wanted: { stream: true, stream_options: { a: 1, include_usage: true } },
  },
  "options nested elsewhere": asked(
    chat({ stream: true, metadata: { stream_options: { include_usage: false } } }),
  ),
  "two options": {
    body: '{"stream_options":{"include_usage":false},"stream":true,"stream_options":{"include_usage":false}}',
    wanted: { stream: true, ...ASKED_FOR },
  },
};

const UNTOUCHED: Readonly<Record<string, string>> = {
  "no stream": '{"model":"m", "messages":[]}',
  "stream false": '{"model":"m","stream":false}',
  "stream twice, false last": '{"stream":true,"model":"m","stream":false}',
  "stream nested": '{"model":"m","x":{"stream":true}}',
  "stream as a string": '{"model":"m","stream":"true"}',
  "stream inside text": '{"model":"m","x":"\\"stream\\":true"}',
  "malformed JSON": '{"model":"m","stream":true',
  "no object": '[{"stream":true}]',
  "an empty body": "",
  "no JSON": "stream: true",
  "options over 4 KiB": `{"stream":true,"stream_options":{"pad":"${"x".repeat(5000)}"}}`,
};

export const injection: Section = (check) => {
  for (const [why, { body, wanted }] of Object.entries(INJECTED)) {
    check(`injection/declared:${why}`, `asks for usage in a declared body: ${why}`, async (lab) => {
      const { seen } = await relayed(lab, { target: CHAT, body });
      const sent = await seen.body;
      expect(JSON.parse(sent.text())).toEqual(wanted);
      expect(seen.header("content-length")).toEqual([String(sent.byteLength)]);
    });
    check(`injection/chunked:${why}`, `asks for usage in a chunked body: ${why}`, async (lab) => {
      const pieces = [...Buffer.from(body)].map((byte) => Uint8Array.of(byte));
      const { seen } = await relayed(lab, { target: CHAT, body: pieces });
      expect(JSON.parse((await seen.body).text())).toEqual(wanted);
    });
  }

  check("injection/no-form", "asks in JSON that calls itself a form, and reads it", async (lab) => {
    const { seen, response } = await relayed(lab, {
      target: CHAT,
      headers: [["content-type", "Multipart/Form-Data"]],
      ...jsonBody(chat({ stream: true })),
    });
    expect(JSON.parse((await seen.body).text())).toEqual({ ...chat({ stream: true }), ...ASKED_FOR });
    expect(await rowOf(lab.base, response)).toMatchObject({ requested_model: "gpt-5-mini" });
  });

  check("injection/prefix", "leaves every byte before the last brace as it was", async (lab) => {
    const body = '{ "messages":[{"role":"user","content":"\\u00e9\\n"}],  "n":1.0e0,"stream":true  }';
    const { seen } = await relayed(lab, { target: CHAT, body });
    const sent = (await seen.body).text();
    expect(sent.startsWith(body.slice(0, body.lastIndexOf("true") + 4))).toBe(true);
  });

  check(
    "injection/large-declared",
    "declares original + 64 for a large streamed body, and fills up with spaces",
    async (lab) => {
      const value = chat({ stream: true, pad: "x".repeat(300_000) });
      const body = JSON.stringify(value);
      const { seen } = await relayed(lab, { target: CHAT, body });
      const sent = await seen.body;
      expect(seen.header("content-length")).toEqual([String(body.length + DECLARED_ROOM)]);
      expect(seen.header("transfer-encoding")).toEqual([]);
      expect(sent.byteLength).toBe(body.length + DECLARED_ROOM);
      expect(JSON.parse(sent.text())).toEqual({ ...value, ...ASKED_FOR });
    },
  );

  check("injection/large-chunked", "leaves a large undeclared body undeclared", async (lab) => {
    const value = chat({ stream: true, pad: "x".repeat(300_000) });
    const { seen } = await relayed(lab, { target: CHAT, body: [JSON.stringify(value)] });
    expect(seen.header("content-length")).toEqual([]);
    expect(JSON.parse((await seen.body).text())).toEqual({ ...value, ...ASKED_FOR });
  });

  for (const [why, body] of Object.entries(UNTOUCHED)) {
    check(`injection/untouched:${why}`, `sends a body on unchanged: ${why}`, async (lab) => {
      const { seen } = await relayed(lab, { target: CHAT, body });
      expect((await seen.body).text()).toBe(body);
      const chunked = await relayed(lab, { target: CHAT, body: body === "" ? [] : [body] });
      expect((await chunked.seen.body).text()).toBe(body);
    });
  }

  check(
    "injection/large-not-streamed",
    "sends a large body that does not stream on unchanged",
    async (lab) => {
      const body = JSON.stringify(chat({ pad: "x".repeat(300_000) }));
      const { seen } = await relayed(lab, { target: CHAT, body });
      // Trailing spaces are the declared room left unused: the scanner learns only at the end that nothing is asked.
      expect((await seen.body).text().trimEnd()).toBe(body);
    },
  );

  for (const target of [
    "/groq/openai/v1/chat/completions",
    "/mistral/v1/chat/completions",
    "/fireworks/inference/v1/chat/completions",
    "/together/v1/chat/completions",
    "/cerebras/v1/chat/completions",
    "/quiet-llm/v1/chat/completions",
    "/openai/v1/responses",
    "/openai/v1/embeddings",
    "/anthropic/v1/messages",
    "/openrouter/api/v1/messages",
  ]) {
    check(`injection/not-asked:${target}`, `does not ask on ${target}`, async (lab) => {
      const body = JSON.stringify(chat({ stream: true }));
      const { seen } = await relayed(lab, { target, body });
      expect((await seen.body).text()).toBe(body);
    });
  }

  for (const target of [
    "/openai/v1/completions",
    "/openrouter/api/v1/chat/completions",
    "/deepseek/chat/completions",
    "/xai/v1/chat/completions",
    "/my-llm/v1/chat/completions",
  ]) {
    check(`injection/asked:${target}`, `asks on ${target}`, async (lab) => {
      const { seen } = await relayed(lab, { target, body: JSON.stringify(chat({ stream: true })) });
      expect(JSON.parse((await seen.body).text())).toMatchObject(ASKED_FOR);
    });
  }

  check("injection/byo", "leaves a BYO body alone", async (lab) => {
    const body = JSON.stringify(chat({ stream: true }));
    const { seen } = await relayed(lab, { target: CHAT, key: BYO_KEY, body });
    expect((await seen.body).text()).toBe(body);
  });
};
