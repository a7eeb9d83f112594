/** §3, §5, §10 on the strict gateway: body limits, timeouts and the breaker. */
import { expect } from "vitest";
import { hangBeforeHead, hangMidBody, json } from "../../support/answers.ts";
import { forge } from "../../support/mint.ts";
import { formatChunk, openRaw } from "../../support/raw-http.ts";
import type { SeenRequest } from "../../support/stand-in.ts";
import { until } from "../../support/until.ts";
import {
  ask,
  BYO_KEY,
  begin,
  chat,
  expectRefusal,
  jsonBody,
  KEY,
  type Lab,
  type Refusal,
  rowOf,
  type Section,
  SSE,
  sentUp,
} from "../lab.ts";
import { STRICT } from "../setups.ts";

const CHAT = "/openai/v1/chat/completions";
const TOO_LARGE: Refusal = { status: 413, code: "body_too_large", type: "request_too_large" };
const TIMEOUT: Refusal = { status: 504, code: "upstream_timeout", type: "api_error" };
const UNREACHABLE: Refusal = { status: 502, code: "upstream_unreachable", type: "api_error", retry: "free" };
const OPEN: Refusal = { status: 503, code: "circuit_open", type: "overloaded_error", retry: "soon" };

async function declare(lab: Lab, key: string, target: string, length: number) {
  const connection = await openRaw(lab.strict.url);
  connection.send(
    `POST ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-length: ${length}\r\n\r\n`,
  );
  const response = await connection.readResponse();
  connection.destroy();
  return response;
}

/** A chunked body that has outgrown its limit by its second chunk; the response has begun with the first. */
async function outgrowAfterHead(lab: Lab): Promise<{ clean: boolean; seen: SeenRequest }> {
  lab.standIn.setDefault(hangMidBody(SSE, ": hi\n\n"));
  const connection = await openRaw(lab.strict.url);
  connection.send(
    `POST ${CHAT}?after-head HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${BYO_KEY}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  );
  await connection.readHead();
  await connection.readPiece();
  connection.send(formatChunk("z".repeat(STRICT.byoMaxRequestBytes)));
  const { clean } = await connection.readBody();
  // What an earlier check was refused may reach the stand-in only now.
  return { clean, seen: await lab.standIn.take(({ target }) => target.endsWith("?after-head")) };
}

export const limits: Section = (check) => {
  check("limits/declared", "refuses a declared body over the limit before a byte of it came", async (lab) => {
    expectRefusal(await declare(lab, KEY, CHAT, STRICT.maxRequestBytes + 1), TOO_LARGE);
    expectRefusal(await declare(lab, BYO_KEY, CHAT, STRICT.byoMaxRequestBytes + 1), TOO_LARGE);
    expectRefusal(await declare(lab, KEY, "/anthropic/v1/messages", 1e9), {
      ...TOO_LARGE,
      dialect: "anthropic",
    });
    expect(lab.standIn.requests).toEqual([]);
  });

  check("limits/order", "refuses a large body before it looks at the signature", async (lab) => {
    expectRefusal(await declare(lab, forge(), CHAT, STRICT.maxRequestBytes + 1), TOO_LARGE);
  });

  check("limits/at-the-limit", "admits a body of exactly the limit", async (lab) => {
    for (const [key, limit] of [
      [KEY, STRICT.maxRequestBytes],
      [BYO_KEY, STRICT.byoMaxRequestBytes],
    ] as const) {
      const empty = JSON.stringify({ model: "m", x: "" });
      const body = JSON.stringify({ model: "m", x: "y".repeat(limit - empty.length) });
      const response = await ask(lab.strict, { target: CHAT, key, body });
      expect(response.status).toBe(200);
      expect((await (await lab.standIn.take()).body).text()).toBe(body);
    }
  });

  for (const [who, key, limit] of [
    ["managed", KEY, STRICT.maxRequestBytes],
    ["byo", BYO_KEY, STRICT.byoMaxRequestBytes],
  ] as const) {
    check(
      `limits/outgrown-${who}`,
      `refuses a ${who} chunked body that outgrows the limit and never completes it upstream`,
      async (lab) => {
        const piece = "z".repeat(300);
        const response = await ask(lab.strict, {
          target: CHAT,
          key,
          body: Array.from({ length: Math.ceil(limit / 300) + 3 }, () => piece),
        });
        expectRefusal(response, TOO_LARGE);
        for (const seen of await sentUp(lab, lab.strict)) expect((await seen.body).whole).toBe(false);
      },
    );
  }

  check(
    "limits/outgrown-after-head",
    "drops the connection when a body outgrows the limit after the head is out, and sends nothing of what is over",
    async (lab) => {
      const { clean, seen } = await outgrowAfterHead(lab);
      expect(clean).toBe(false);
      expect((await seen.body).text()).toBe("hello");
    },
  );

  check(
    "limits/outgrown-after-head-upstream",
    "never completes upstream a body that outgrows the limit after the head is out",
    async (lab) => {
      const { seen } = await outgrowAfterHead(lab);
      expect((await seen.body).whole).toBe(false);
    },
  );

  check("limits/head-timeout", "answers 504 when no head comes in time, and its row says so", async (lab) => {
    lab.standIn.setDefault(hangBeforeHead());
    const response = await ask(lab.strict, { target: "/mistral/v1/chat/completions", ...jsonBody(chat()) });
    expectRefusal(response, TIMEOUT);
    const row = await rowOf(lab.strict, response);
    expect(row).toMatchObject({ outcome: "upstream_error", usage_source: "estimated" });
    expect(row).not.toHaveProperty("status");
    await (await lab.standIn.take()).clientGone;
    expect(lab.standIn.requests).toHaveLength(1);
  });

  check("limits/chunk-timeout", "breaks the stream off when no next chunk comes in time", async (lab) => {
    lab.standIn.setDefault(hangMidBody(SSE, ": hi\n\n"));
    const connection = await begin(lab.strict, {
      target: "/together/v1/chat/completions",
      ...jsonBody(chat({ stream: true })),
    });
    const head = await connection.readHead();
    expect(await connection.readBody()).toEqual({ body: Buffer.from(": hi\n\n"), clean: false });
    expect(await rowOf(lab.strict, head)).toMatchObject({ outcome: "cut_short", status: 200 });
    await (await lab.standIn.take()).clientGone;
  });

  check(
    "breaker/opens",
    "opens after so many failures in a row, for that provider alone, and probes again later",
    async (lab) => {
      const target = "/xai/v1/chat/completions";
      const request = { target, ...jsonBody(chat()) };
      lab.standIn.setDefault(json(500, { error: "down" }));
      for (let n = 0; n < STRICT.breakerThreshold; n++)
        expect((await ask(lab.strict, request)).status).toBe(500);
      expectRefusal(await ask(lab.strict, request), OPEN);
      expectRefusal(await ask(lab.strict, { ...request, key: BYO_KEY }), OPEN);
      expect(lab.standIn.requests).toHaveLength(STRICT.breakerThreshold);
      lab.standIn.setDefault(json(200, {}));
      expect((await ask(lab.strict, { target: CHAT, ...jsonBody(chat()) })).status).toBe(200);
      await until(async () => (await ask(lab.strict, request)).status === 200);
      expect((await ask(lab.strict, request)).status).toBe(200);
    },
  );

  check("breaker/client-errors", "does not count 4xx and 429 as failures", async (lab) => {
    const request = { target: "/cerebras/v1/chat/completions", ...jsonBody(chat()) };
    for (const status of [400, 401, 404, 429, 429, 429, 422]) {
      lab.standIn.setDefault(json(status, {}));
      expect((await ask(lab.strict, request)).status).toBe(status);
    }
  });

  check("breaker/unfinished-upload", "does not count a provider that tires of an upload", async (lab) => {
    const target = "/mistral/v1/chat/completions";
    lab.standIn.setDefault(({ response }) => void response.socket?.destroy());
    for (let n = 0; n < STRICT.breakerThreshold + 1; n++) {
      const connection = await openRaw(lab.strict.url);
      connection.send(
        `POST ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n`,
      );
      expectRefusal(await connection.readResponse(), UNREACHABLE);
      connection.destroy();
    }
    lab.standIn.setDefault(json(200, {}));
    expect((await ask(lab.strict, { target, ...jsonBody(chat()) })).status).toBe(200);
  });

  check("breaker/client-left", "does not count clients that leave as failures", async (lab) => {
    const request = { target: "/deepseek/v1/chat/completions", ...jsonBody(chat()) };
    for (let n = 0; n < STRICT.breakerThreshold + 1; n++) {
      lab.standIn.setDefault(hangBeforeHead());
      const connection = await begin(lab.strict, request);
      const seen = await lab.standIn.take();
      connection.destroy();
      await seen.clientGone;
    }
    lab.standIn.setDefault(json(200, {}));
    expect((await ask(lab.strict, request)).status).toBe(200);
  });
};
