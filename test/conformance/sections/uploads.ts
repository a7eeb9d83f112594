/** §5: request bodies stream up with backpressure, whole or not at all. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { expect } from "vitest";
import { neverRead } from "../../support/answers.ts";
import { formatChunk, formatRequest, openRaw, type RawConnection } from "../../support/raw-http.ts";
import { roomIn } from "../../support/room-in.ts";
import { settled } from "../../support/settled.ts";
import {
  BYO_KEY,
  chat,
  IN_FLIGHT_BYTES,
  jsonBody,
  KEY,
  type RunningGateway,
  rawOf,
  relayed,
  rowOf,
  type Section,
  sentUp,
} from "../lab.ts";

const CHAT = "/openai/v1/chat/completions";
const PIECE = Buffer.alloc(64 * 1024, "abcdefghijklmnopqrstuvwxyz ");
const PIECES = 2048; // 128 MiB
/**
 * What a 128 MiB upload may add to the gateway's peak: garbage that the collector has not come to (50 MB measured on
 * Node). Keeping the body would add all of it.
 */
const GARBAGE_BYTES = 100 * 1024 * 1024;

type Form = "declared" | "chunked";

interface BigBody {
  readonly start: string;
  readonly end: string;
}

const EMBEDDINGS: BigBody = { start: '{"model":"big-upload","input":"', end: '"}' };
const STREAMED: BigBody = { start: '{"model":"big-upload","stream":true,"x":"', end: '"}' };

async function beginUpload(gateway: RunningGateway, target: string, key: string, form: Form, body: BigBody) {
  const connection = await openRaw(gateway.url);
  const length = body.start.length + PIECES * PIECE.length + body.end.length;
  const framing = form === "declared" ? ["content-length", String(length)] : ["transfer-encoding", "chunked"];
  const { headers = [], ...rest } = rawOf({
    method: "POST",
    target,
    key,
    headers: [["content-type", "application/json"]],
  });
  connection.send(formatRequest(gateway.url, { ...rest, headers: [...headers, [framing[0]!, framing[1]!]] }));
  return { connection, length };
}

/** Writes the body as fast as the gateway takes it. `onPiece` sees each piece of the body itself. */
async function upload(
  { socket }: RawConnection,
  form: Form,
  { start, end }: BigBody,
  onPiece: (piece: Uint8Array) => void,
) {
  const pieces = [Buffer.from(start), ...Array.from({ length: PIECES }, () => PIECE), Buffer.from(end)];
  for (const piece of pieces) {
    if (socket.destroyed) return;
    if (!socket.write(form === "chunked" ? formatChunk(piece) : piece)) {
      await roomIn(socket);
    }
    onPiece(piece);
  }
  if (form === "chunked") socket.write("0\r\n\r\n");
}

export const uploads: Section = (check) => {
  for (const form of ["declared", "chunked"] as const) {
    for (const [who, key] of [
      ["managed", KEY],
      ["byo", BYO_KEY],
    ] as const) {
      check(
        `uploads/128mb-${form}-${who}`,
        `streams a ${form} 128 MiB upload of a ${who} client unchanged`,
        async (lab) => {
          const peakBefore = lab.base.peakMemoryBytes() ?? 0;
          const { connection, length } = await beginUpload(
            lab.base,
            "/openai/v1/embeddings",
            key,
            form,
            EMBEDDINGS,
          );
          const hash = createHash("sha256");
          await upload(connection, form, EMBEDDINGS, (piece) => hash.update(piece));
          const seen = await lab.standIn.take();
          expect(await seen.body).toMatchObject({
            whole: true,
            byteLength: length,
            sha256: hash.digest("hex"),
          });
          expect(seen.header("content-length")).toEqual(form === "declared" ? [String(length)] : []);
          const response = await connection.readResponse();
          expect(response.status).toBe(200);
          expect((lab.base.peakMemoryBytes() ?? 0) - peakBefore).toBeLessThan(GARBAGE_BYTES);
          if (who === "managed") {
            expect(await rowOf(lab.base, response)).toMatchObject({
              request_bytes: length,
              requested_model: "big-upload",
            });
          }
          connection.destroy();
        },
      );
    }

    check(
      `uploads/backpressure-${form}`,
      `stops reading a ${form} upload when the provider stops`,
      async (lab) => {
        lab.standIn.setDefault(neverRead());
        const { connection } = await beginUpload(lab.base, CHAT, KEY, form, STREAMED);
        let written = 0;
        const done = upload(connection, form, STREAMED, (piece) => {
          written += piece.length;
        });
        await lab.standIn.take();
        expect(await settled(() => written)).toBeLessThan(IN_FLIGHT_BYTES);
        connection.destroy();
        await done;
      },
    );

    check(
      `uploads/client-leaves-${form}`,
      `never completes the upstream body when the client leaves mid-upload (${form})`,
      async (lab) => {
        const { connection } = await beginUpload(lab.base, CHAT, KEY, form, STREAMED);
        const start = Buffer.concat([
          Buffer.from('{"model":"left-mid-upload-'),
          Buffer.from(`${form}","stream":true,"x":"`),
          PIECE,
          PIECE,
          PIECE,
        ]);
        connection.send(form === "chunked" ? formatChunk(start) : start);
        const seen = await lab.standIn.take();
        connection.destroy();
        expect((await seen.body).whole).toBe(false);
        const row = await lab.base.waitForRow(
          ({ requested_model }) => requested_model === `left-mid-upload-${form}`,
        );
        expect(row).toMatchObject({ outcome: "client_cancelled", usage_source: "none" });
      },
    );
  }

  check("uploads/128mb-injected", "asks for usage at the end of a declared 128 MiB body", async (lab) => {
    const { connection, length } = await beginUpload(lab.base, CHAT, KEY, "declared", STREAMED);
    await upload(connection, "declared", STREAMED, () => undefined);
    const seen = await lab.standIn.take();
    expect(await seen.body).toMatchObject({ whole: true, byteLength: length + 64 });
    connection.destroy();
  });

  check("uploads/bad-chunk", "never completes the upstream body after a malformed chunk", async (lab) => {
    const { connection } = await beginUpload(lab.base, CHAT, KEY, "chunked", STREAMED);
    connection.send(formatChunk(Buffer.concat([Buffer.from(STREAMED.start), PIECE, PIECE])));
    connection.send("zz\r\nnot a chunk\r\n");
    await connection.readRest();
    for (const seen of await sentUp(lab, lab.base)) expect((await seen.body).whole).toBe(false);
  });

  check(
    "uploads/both-lengths",
    "does not let a body with both framings smuggle a second request",
    async (lab) => {
      const connection = await openRaw(lab.base.url);
      const smuggled = `GET /openai/v1/smuggled HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${BYO_KEY}\r\n\r\n`;
      connection.send(
        `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${BYO_KEY}\r\ncontent-length: ${5 + smuggled.length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      );
      await connection.readResponse().catch(() => undefined);
      connection.destroy();
      expect(lab.standIn.requests.filter(({ target }) => target.includes("smuggled"))).toEqual([]);
    },
  );

  check("uploads/get", "relays a GET that brings a body", async (lab) => {
    for (const key of [KEY, BYO_KEY])
      await relayed(lab, { method: "GET", target: "/openai/v1/models", key, body: "{}" });
  });

  check("uploads/get-body", "sends the body of a GET up", async (lab) => {
    const { seen } = await relayed(lab, {
      method: "GET",
      target: "/openai/v1/models",
      key: BYO_KEY,
      body: "{}",
    });
    expect((await seen.body).text()).toBe("{}");
  });

  check("uploads/pipelined", "answers pipelined requests in their order", async (lab) => {
    lab.standIn.setDefault(async ({ seen, response }) => {
      await seen.body;
      response.end(seen.target);
    });
    const connection = await openRaw(lab.base.url);
    const requests = [1, 2, 3].map((n) =>
      formatRequest(lab.base.url, rawOf({ target: `/openai/v1/embeddings?n=${n}`, ...jsonBody(chat()) })),
    );
    connection.send(Buffer.concat(requests));
    for (const n of [1, 2, 3]) {
      expect((await connection.readResponse()).text()).toBe(`/v1/embeddings?n=${n}`);
    }
    connection.destroy();
  });

  check("uploads/expect-continue", "serves a client that waits for 100 Continue", async (lab) => {
    const connection = await openRaw(lab.base.url);
    const body = JSON.stringify(chat());
    connection.send(
      `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    await once(connection.socket, "readable");
    connection.send(body);
    expect((await connection.readResponse()).status).toBe(200);
    expect((await (await lab.standIn.take()).body).text()).toBe(body);
    connection.destroy();
  });
};
