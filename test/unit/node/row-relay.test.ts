/** Whole lines out of a worker's output, however it is cut. */
import { describe, expect, it } from "vitest";
import { relayLines } from "../../../adapters/node/cluster/row-relay.ts";

async function relay(chunks: readonly Buffer[]): Promise<{ lines: string[]; isWhole: boolean }> {
  async function* stream() {
    yield* chunks;
  }
  const lines: string[] = [];
  const isWhole = await relayLines(stream(), (line) => lines.push(line));
  return { lines, isWhole };
}

describe("the rows of a worker", () => {
  const text = Buffer.from('{"model":"gpt"}\n{"model":"é€😀"}\n{}\n');
  const lines = ['{"model":"gpt"}', '{"model":"é€😀"}', "{}"];

  it("come whole, cut at every index and byte by byte", async () => {
    for (let at = 0; at <= text.length; at++) {
      expect(await relay([text.subarray(0, at), text.subarray(at)])).toEqual({ lines, isWhole: true });
    }
    expect(await relay(Array.from(text, (byte) => Buffer.of(byte)))).toEqual({ lines, isWhole: true });
  });

  it("end before one that its writer did not finish", async () => {
    for (let at = 1; at < 15; at++) {
      expect(await relay([text.subarray(0, at)])).toEqual({ lines: [], isWhole: false });
      const more = await relay([text, text.subarray(0, at)]);
      expect(more).toEqual({ lines, isWhole: false });
    }
  });
});
