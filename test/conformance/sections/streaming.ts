/** §5: time to each event, cancellation, cut streams and backpressure on the way down. */
import { expect } from "vitest";
import { cutMidBody, flood, gated, hangBeforeHead, shorterThanDeclared } from "../../support/answers.ts";
import type { RawConnection } from "../../support/raw-http.ts";
import { settled } from "../../support/settled.ts";
import { BYO_KEY, begin, chat, IN_FLIGHT_BYTES, jsonBody, KEY, rowOf, type Section, SSE } from "../lab.ts";

const CHAT = "/openai/v1/chat/completions";
const FLOOD_CHUNKS = 4096; // 128 MiB
const FLOOD_CHUNK = Buffer.alloc(32 * 1024, ": comment\n\n");

const words = ["one", "two", "three"];
const chatEvent = (text: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
const messageEvent = (text: string) =>
  `event: content_block_delta\ndata: ${JSON.stringify({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })}\n\n`;

async function readExactly(connection: RawConnection, length: number): Promise<string> {
  let text = "";
  while (text.length < length) {
    const piece = await connection.readPiece();
    if (piece === undefined) throw new Error(`the body ended after ${text.length} of ${length} bytes`);
    text += piece.toString();
  }
  return text;
}

export const streaming: Section = (check) => {
  for (const [name, target, key, format] of [
    ["managed-chat", CHAT, KEY, chatEvent],
    ["managed-messages", "/anthropic/v1/messages", KEY, messageEvent],
    ["managed-responses", "/openai/v1/responses", KEY, (text: string) => `event: x\n${chatEvent(text)}`],
    ["byo-chat", CHAT, BYO_KEY, chatEvent],
  ] as const) {
    check(
      `streaming/timing-${name}`,
      `hands on each event before the next one exists (${name})`,
      async (lab) => {
        const source = gated(SSE);
        lab.standIn.setDefault(source.answer);
        const connection = await begin(lab.base, { target, key, ...jsonBody(chat({ stream: true })) });
        for (const event of words.map(format)) {
          await source.release(event);
          if (event === format(words[0]!)) await connection.readHead();
          expect(await readExactly(connection, event.length)).toBe(event);
        }
        source.end();
        expect(await connection.readBody()).toMatchObject({ clean: true });
      },
    );
  }

  check("streaming/head-first", "hands on the head before the first body byte exists", async (lab) => {
    for (const key of [KEY, BYO_KEY]) {
      const source = gated(SSE);
      lab.standIn.setDefault(source.answer);
      const connection = await begin(lab.base, { target: CHAT, key, ...jsonBody(chat({ stream: true })) });
      expect((await connection.readHead()).status).toBe(200);
      source.end();
      await connection.readBody();
    }
  });

  check("streaming/not-sse", "hands on pieces of a JSON body as they come", async (lab) => {
    const source = gated({ "content-type": "application/json" });
    lab.standIn.setDefault(source.answer);
    const connection = await begin(lab.base, { target: CHAT, ...jsonBody(chat()) });
    for (const piece of ["\n", '{"id":1', ',"x":2']) {
      await source.release(piece);
      if (piece === "\n") await connection.readHead();
      expect(await readExactly(connection, piece.length)).toBe(piece);
    }
    connection.destroy();
  });

  for (const [who, key] of [
    ["managed", KEY],
    ["byo", BYO_KEY],
  ] as const) {
    check(
      `streaming/cancel-before-head-${who}`,
      `cancels upstream when a ${who} client leaves before the head`,
      async (lab) => {
        lab.standIn.setDefault(hangBeforeHead());
        const model = `left-early-${who}`;
        const connection = await begin(lab.base, { target: CHAT, key, ...jsonBody(chat({ model })) });
        const seen = await lab.standIn.take();
        await seen.body;
        connection.destroy();
        await seen.clientGone;
        if (who === "byo") return;
        const row = await lab.base.waitForRow(({ requested_model }) => requested_model === model);
        expect(row).toMatchObject({
          outcome: "client_cancelled",
          usage_source: "estimated",
          response_bytes: 0,
        });
        expect(row).not.toHaveProperty("status");
      },
    );

    check(
      `streaming/cancel-after-head-${who}`,
      `cancels upstream when a ${who} client leaves mid-stream`,
      async (lab) => {
        const source = gated(SSE);
        lab.standIn.setDefault(source.answer);
        const connection = await begin(lab.base, { target: CHAT, key, ...jsonBody(chat({ stream: true })) });
        await source.release(chatEvent("one"));
        const head = await connection.readHead();
        await readExactly(connection, chatEvent("one").length);
        connection.destroy();
        await (await lab.standIn.take()).clientGone;
        if (who === "byo") return;
        const row = await rowOf(lab.base, head);
        expect(row).toMatchObject({
          outcome: "client_cancelled",
          status: 200,
          stream: true,
          usage_source: "estimated",
          output_tokens: 1,
        });
      },
    );

    for (const by of ["fin", "rst"] as const) {
      check(
        `streaming/cut-${by}-${who}`,
        `breaks a ${who} client's connection off when the provider dies by ${by}`,
        async (lab) => {
          lab.standIn.setDefault(cutMidBody(SSE, chatEvent("one"), by));
          const connection = await begin(lab.base, {
            target: CHAT,
            key,
            ...jsonBody(chat({ stream: true })),
          });
          const head = await connection.readHead();
          expect(await connection.readBody()).toEqual({ body: Buffer.from(chatEvent("one")), clean: false });
          if (who === "managed") {
            expect(await rowOf(lab.base, head)).toMatchObject({
              outcome: "cut_short",
              status: 200,
              usage_source: "estimated",
            });
          }
        },
      );
    }

    check(
      `streaming/short-${who}`,
      `hands on what came and breaks a ${who} client's connection off when a declared body ends early`,
      async (lab) => {
        lab.standIn.setDefault(shorterThanDeclared({ "content-type": "application/json" }, '{"a":', 1000));
        const connection = await begin(lab.base, { target: CHAT, key, ...jsonBody(chat()) });
        const head = await connection.readHead();
        expect(await connection.readBody()).toEqual({ body: Buffer.from('{"a":'), clean: false });
        if (who === "managed") {
          expect(await rowOf(lab.base, head)).toMatchObject({ outcome: "cut_short", response_bytes: 5 });
        }
      },
    );

    for (const [name, type] of [
      ["stream", SSE],
      ["file", { "content-type": "application/octet-stream" }],
    ] as const) {
      check(
        `streaming/backpressure-${name}-${who}`,
        `stops reading the provider's ${name} when a ${who} reader stops`,
        async (lab) => {
          const source = flood(type, FLOOD_CHUNK, FLOOD_CHUNKS);
          lab.standIn.setDefault(source.answer);
          const connection = await begin(lab.base, {
            target: CHAT,
            key,
            ...jsonBody(chat({ stream: true })),
          });
          await connection.readHead();
          expect(await settled(source.bytesWritten)).toBeLessThan(IN_FLIGHT_BYTES);
          connection.destroy();
          await (await lab.standIn.take()).clientGone;
        },
      );
    }
  }

  check("streaming/small-chunks", "relays 100,000 small chunks to the last byte", async (lab) => {
    const source = flood(SSE, ": keep-alive\n\n", 100_000);
    lab.standIn.setDefault(source.answer);
    const connection = await begin(lab.base, { target: CHAT, ...jsonBody(chat({ stream: true })) });
    const head = await connection.readHead();
    let received = 0;
    for (
      let piece = await connection.readPiece();
      piece !== undefined;
      piece = await connection.readPiece()
    ) {
      received += piece.length;
    }
    expect(received).toBe(100_000 * ": keep-alive\n\n".length);
    expect(await rowOf(lab.base, head)).toMatchObject({ response_bytes: received });
  });

  for (const status of [204, 304]) {
    check(`streaming/bodiless-${status}`, `relays a ${status}, which has no body`, async (lab) => {
      lab.standIn.setDefault(({ response }) => void response.writeHead(status, { etag: '"x"' }).end());
      const connection = await begin(lab.base, { target: "/openai/v1/models" });
      const response = await connection.readResponse();
      expect([response.status, response.header("etag"), response.body.length]).toEqual([status, ['"x"'], 0]);
      await rowOf(lab.base, response);
      connection.destroy();
    });
  }
};
