/** Part 2: a provider that compresses in spite of `identity` is metered from a side copy, and its bytes go on untouched. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bytes, cutMidBody, gated } from "../support/answers.ts";
import { CHAT, chat, DONE, delta, event, JSON_TYPE, metric, post, rowAfter, SSE, useLab } from "./lab.ts";

const lab = useLab();
const USAGE = { prompt_tokens: 21, completion_tokens: 8, total_tokens: 29 };
/** Text that does not compress to nothing, so that a cut falls within it. */
const words = Array.from({ length: 3_000 }, (_, n) => ((n * 2_654_435_761) % 2 ** 32).toString(36));
const stream = words.map((word) => delta(word)).join("") + event({ choices: [], usage: USAGE }) + DONE;
const document = JSON.stringify({ choices: [{ message: { content: words.join(" ") } }], usage: USAGE });

const ENCODINGS: Readonly<Record<string, (plain: string) => Uint8Array>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  // In frames, as a stream that is flushed: nothing of a block can be decoded before its end.
  zstd: (plain) => Buffer.concat(plain.match(/[^]{1,4096}/g)!.map((part) => zstdCompressSync(part))),
};

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
        const body = compress(plain);
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

    it("that is cut counts as far as it can be decoded", async () => {
      const body = compress(stream);
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

  it("but has an encoding that nobody knows is none as well", async () => {
    lab.standIn.setDefault(bytes(200, { ...JSON_TYPE, "content-encoding": "rot13" }, document));
    const { row } = await ask(false);
    expect(row).toMatchObject({ usage_source: "none", outcome: "ok" });
    expect(row).not.toHaveProperty("input_tokens");
  });
});
