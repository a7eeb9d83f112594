/** A provider that compresses in spite of `identity` is metered from a side copy, and its bytes go on untouched. */
import { brotliCompressSync, constants, createZstdCompress, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bytes, cutMidBody, gated } from "../support/answers.ts";
import { CHAT, chat, DONE, delta, event, JSON_TYPE, metric, post, rowAfter, SSE, useLab } from "./lab.ts";

const lab = useLab();
const USAGE = { prompt_tokens: 21, completion_tokens: 8, total_tokens: 29 };
/** Text that does not compress to nothing, so that a cut falls within it. */
const words = Array.from({ length: 3_000 }, (_, n) => ((n * 2_654_435_761) % 2 ** 32).toString(36));
const stream = words.map((word) => delta(word)).join("") + event({ choices: [], usage: USAGE }) + DONE;
const document = JSON.stringify({ choices: [{ message: { content: words.join(" ") } }], usage: USAGE });

const ENCODINGS: Readonly<Record<string, (plain: string) => Uint8Array | Promise<Uint8Array>>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdFlushed,
};

/** As a stream is compressed that must not wait: nothing of a zstd block can be decoded before its end. */
async function zstdFlushed(plain: string): Promise<Uint8Array> {
  const stream = createZstdCompress();
  const compressed = stream.toArray();
  for (let at = 0; at < plain.length; at += 4096) {
    stream.write(plain.slice(at, at + 4096));
    await new Promise<void>((resolve) => stream.flush(constants.ZSTD_e_flush, resolve));
  }
  stream.end();
  return Buffer.concat(await compressed);
}

async function ask(isStream: boolean) {
  const before = lab.gateway.rows().length;
  const connection = await post(lab, { target: CHAT, body: chat({ stream: isStream }) });
  const response = await connection.readResponse();
  connection.destroy();
  return { response, row: await rowAfter(lab, before) };
}

for (const [encoding, compress] of Object.entries(ENCODINGS)) {
  describe(`a ${encoding} response`, () => {
    for (const [what, type, plain] of [
      ["stream", SSE, stream],
      ["document", JSON_TYPE, document],
    ] as const) {
      it(`that is a ${what} is metered, and relayed byte for byte`, async () => {
        const body = await compress(plain);
        lab.standIn.setDefault(bytes(200, { ...type, "content-encoding": encoding }, body));
        const { response, row } = await ask(what === "stream");
        expect(response.body.equals(body)).toBe(true);
        expect(row).toMatchObject({
          outcome: "ok",
          usage_source: "reported",
          input_tokens: 21,
          output_tokens: 8,
          response_bytes: body.length,
        });
      });
    }

    it("that turns to rubbish counts as far as it could be decoded, and is relayed to its end", async () => {
      const whole = await compress(stream);
      const pieces = [whole.subarray(0, whole.length / 2), new Uint8Array(5_000).fill(0xff)];
      const before = lab.gateway.rows().length;
      const body = gated({ ...SSE, "content-encoding": encoding });
      lab.standIn.setDefault(body.answer);
      const connection = await post(lab, { target: CHAT, body: chat({ stream: true }) });
      await connection.readHead();
      for (const piece of pieces) {
        await body.release(piece);
        let received = 0;
        while (received < piece.length) received += (await connection.readPiece())?.length ?? 0;
        expect(received).toBe(piece.length);
      }
      body.end();
      expect((await connection.readBody()).clean).toBe(true);
      const row = await rowAfter(lab, before);
      expect(row).toMatchObject({ outcome: "cut_short", usage_source: "estimated" });
      expect(row.output_tokens).toBeGreaterThan(words.length / 4);
    });

    it("that is cut counts as far as it can be decoded", async () => {
      const body = await compress(stream);
      const half = body.subarray(0, body.length / 2);
      lab.standIn.setDefault(cutMidBody({ ...SSE, "content-encoding": encoding }, half, "fin"));
      const { response, row } = await ask(true);
      expect(response.body.equals(half)).toBe(true);
      expect(row).toMatchObject({ outcome: "cut_short", usage_source: "estimated" });
      expect(row.output_tokens).toBeGreaterThan(words.length / 4);
      expect(row.output_tokens).toBeLessThan(words.length);
    });
  });
}

describe("a response that is not what it says", () => {
  it("is relayed to its end, is no usage and counts as a fault", async () => {
    const faults = await metric(lab, "ai_usage_parse_errors_total");
    const before = lab.gateway.rows().length;
    const body = gated({ ...SSE, "content-encoding": "gzip" });
    lab.standIn.setDefault(body.answer);
    const connection = await post(lab, { target: CHAT, body: chat({ stream: true }) });
    await connection.readHead();
    for (const piece of ["this is ", "no gzip ", "at all"]) {
      await body.release(piece);
      expect(String(await connection.readPiece())).toBe(piece);
    }
    body.end();
    expect((await connection.readBody()).clean).toBe(true);
    const row = await rowAfter(lab, before);
    expect(row).toMatchObject({ usage_source: "none", status: 200 });
    expect(row).not.toHaveProperty("output_tokens");
    expect(await metric(lab, "ai_usage_parse_errors_total")).toBe(faults + 1);
  });

  for (const encoding of ["gzip", "deflate", "br", "zstd"]) {
    it(`is read up to the end of its ${encoding}, and relayed with what follows`, async () => {
      const body = Buffer.concat([
        await ENCODINGS[encoding]!(document),
        Buffer.from("and more".repeat(10_000)),
      ]);
      lab.standIn.setDefault(bytes(200, { ...JSON_TYPE, "content-encoding": encoding }, body));
      const { response, row } = await ask(false);
      expect(response.body.equals(body)).toBe(true);
      // zlib takes what follows gzip for a next member, and keeps back the end of the one before when it is none.
      if (encoding !== "gzip") expect(row).toMatchObject({ usage_source: "reported", output_tokens: 8 });
      else expect(row.usage_source).toBe("estimated");
    });
  }

  it("but has an encoding that nobody knows is none as well", async () => {
    lab.standIn.setDefault(bytes(200, { ...JSON_TYPE, "content-encoding": "rot13" }, document));
    const { row } = await ask(false);
    expect(row).toMatchObject({ usage_source: "none", outcome: "ok" });
    expect(row).not.toHaveProperty("input_tokens");
  });
});
