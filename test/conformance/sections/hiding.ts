/** §6: hiding the answer to our own question from a client that did not ask it. */
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { bytes, gated } from "../../support/answers.ts";
import { ask, BYO_KEY, begin, chat, type Lab, rowOf, type Section, SSE } from "../lab.ts";

const CHAT = "/openai/v1/chat/completions";
const ASKED_FOR = { stream_options: { include_usage: true } };

const event = (value: unknown, end = "\n\n"): string => `data: ${JSON.stringify(value)}${end}`;
const delta = {
  id: "c1",
  model: "gpt-5-mini",
  choices: [{ index: 0, delta: { content: "hi" } }],
  usage: null,
};
const usage = { prompt_tokens: 21, completion_tokens: 34, total_tokens: 55 };
const answer = { id: "c1", model: "gpt-5-mini", choices: [], usage };

const STAYS: Readonly<Record<string, string>> = {
  "usage null without choices": event({ choices: [], usage: null }),
  "usage on a chunk with choices": event({ ...delta, usage }),
  "no usage and no choices": event({ choices: [], prompt_filter_results: [] }),
  "choices null": event({ choices: null, usage }),
  "no choices at all": event({ usage }),
  "nested in another member": event({ choices: [{ delta: { content: JSON.stringify(answer) } }], x: answer }),
  "an error": event({ error: { message: "x" } }),
  comments: `: keep-alive\n\n: ${JSON.stringify(answer)}\n\n`,
  "another field": `event: ping\nid: 7\nretry: 10\n\n`,
  "an event over 4 KiB": event({ ...answer, pad: "x".repeat(5000) }),
  "no JSON": "data: choices [] usage {}\n\n",
};

const GOES: Readonly<Record<string, string>> = {
  "as OpenAI sends it": event(answer),
  "usage before choices": event({ usage, choices: [] }),
  "with white space": `data:   { "usage" : { "prompt_tokens" : 21, "completion_tokens" : 34 } , "choices" : [ ] }\n\n`,
  "without a space": `data:${JSON.stringify(answer)}\n\n`,
  "with CRLF": event(answer, "\r\n\r\n"),
  "with CR": event(answer, "\r\r"),
  "on several data lines": `data: {"choices":[],\ndata: "usage":${JSON.stringify(usage)}}\n\n`,
  "with other fields": `id: 9\nevent: message\n${event(answer)}`,
  "with escaped names": `data: {"ch\\u006fices":[],"us\\u0061ge":${JSON.stringify(usage)}}\n\n`,
};

export const hiding: Section = (check) => {
  const streamed = async (lab: Lab, body: string, request: Record<string, unknown> = {}) => {
    lab.standIn.setDefault(bytes(200, SSE, body));
    const response = await ask(lab.base, {
      target: CHAT,
      body: JSON.stringify(chat({ stream: true, ...request })),
    });
    return { text: response.text(), response };
  };

  for (const [why, hidden] of Object.entries(GOES)) {
    check(`hiding/goes:${why}`, `removes the answer to its own question, whole: ${why}`, async (lab) => {
      const eol = hidden.endsWith("\r\r") ? "\r" : hidden.endsWith("\r\n") ? "\r\n" : "\n";
      const [start, end] = [`data: ${JSON.stringify(delta)}${eol}${eol}`, `data: [DONE]${eol}${eol}`];
      const { text, response } = await streamed(lab, start + hidden + end);
      expect(text).toBe(start + end);
      const row = await rowOf(lab.base, response);
      expect(row).toMatchObject({
        usage_source: "reported",
        input_tokens: 21,
        output_tokens: 34,
        outcome: "ok",
      });
    });
  }
  for (const [why, kept] of Object.entries(STAYS)) {
    check(`hiding/stays:${why}`, `keeps every other event byte for byte: ${why}`, async (lab) => {
      const body = `${event(delta) + kept + event(delta)}data: [DONE]\n\n`;
      expect((await streamed(lab, body)).text).toBe(body);
    });
  }

  check("hiding/asked-last", "shows the answer to a client whose last word is that it asks", async (lab) => {
    const body = event(delta) + event(answer);
    lab.standIn.setDefault(bytes(200, SSE, body));
    const request = JSON.stringify(chat({ stream: true }));
    const twice = request.replace(/}$/, ',"stream_options":{"include_usage":false,"include_usage":true}}');
    expect((await ask(lab.base, { target: CHAT, body: twice })).text()).toBe(body);
  });

  for (const type of ["text/plain", "application/json", undefined]) {
    check(`hiding/called:${type}`, `removes the answer from a stream that is called ${type}`, async (lab) => {
      lab.standIn.setDefault(({ response }) => {
        if (type !== undefined) response.setHeader("content-type", type);
        // In two writes, lest Node declare a length.
        response.write(event(delta));
        response.end(event(answer));
      });
      const response = await ask(lab.base, { target: CHAT, body: JSON.stringify(chat({ stream: true })) });
      expect(response.text()).toBe(event(delta));
      expect(await rowOf(lab.base, response)).toMatchObject({
        stream: true,
        input_tokens: 21,
        output_tokens: 34,
      });
    });
  }

  check("hiding/asked", "shows the answer to a client that asked itself", async (lab) => {
    const body = `${event(delta)}${event(answer)}data: [DONE]\n\n`;
    expect((await streamed(lab, body, ASKED_FOR)).text).toBe(body);
  });

  check("hiding/not-injected", "removes nothing where nothing was asked", async (lab) => {
    const body = `${event(delta)}${event(answer)}data: [DONE]\n\n`;
    lab.standIn.setDefault(bytes(200, SSE, body));
    const request = JSON.stringify(chat({ stream: true }));
    for (const target of ["/groq/openai/v1/chat/completions", "/quiet-llm/v1/chat/completions"]) {
      expect((await ask(lab.base, { target, body: request })).text()).toBe(body);
    }
    expect((await ask(lab.base, { target: CHAT, key: BYO_KEY, body: request })).text()).toBe(body);
  });

  check("hiding/compressed", "never edits a compressed stream", async (lab) => {
    const body = gzipSync(`${event(delta)}${event(answer)}data: [DONE]\n\n`);
    lab.standIn.setDefault(bytes(200, { ...SSE, "content-encoding": "gzip" }, body));
    const response = await ask(lab.base, { target: CHAT, body: JSON.stringify(chat({ stream: true })) });
    expect(response.body.equals(body)).toBe(true);
  });

  check(
    "hiding/pieces",
    "removes it when it comes byte by byte, and ends at the provider's end",
    async (lab) => {
      const source = gated(SSE);
      lab.standIn.setDefault(source.answer);
      const connection = await begin(lab.base, {
        target: CHAT,
        body: JSON.stringify(chat({ stream: true })),
      });
      const whole = connection.readResponse();
      for (const byte of Buffer.from(`${event(delta) + event(answer)}data: [DONE]\n\n`)) {
        await source.release(Uint8Array.of(byte));
      }
      source.end();
      expect((await whole).text()).toBe(`${event(delta)}data: [DONE]\n\n`);
    },
  );
};
