import { describe, expect, it } from "vitest";
import { type ChunkTaker, createGatherer } from "../../../adapters/node/gatherer.ts";

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Bytes are copied as a taker has to. */
function createTaker(name: string, taken: string[]): ChunkTaker {
  return { take: (bytes) => void taken.push(`${name}:${bytes.toString()}`) };
}

describe("the gatherer", () => {
  it("hands on the chunks of one tick as one, at its end", async () => {
    const taken: string[] = [];
    const [gatherer, a] = [createGatherer(16), createTaker("a", taken)];
    for (const text of ["one ", "two ", "three"]) gatherer.add(a, Buffer.from(text));
    expect(taken).toEqual([]);
    await nextTick();
    gatherer.add(a, Buffer.from("four"));
    await nextTick();
    expect(taken).toEqual(["a:one two three", "a:four"]);
  });

  it("hands on a chunk that stayed alone without a copy", async () => {
    const chunk = Buffer.from("alone");
    const taken: Buffer[] = [];
    createGatherer(16).add({ take: (bytes) => void taken.push(bytes) }, chunk);
    await nextTick();
    expect(taken[0]).toBe(chunk);
  });

  it("keeps the order of takers and of each one's chunks", async () => {
    const taken: string[] = [];
    const gatherer = createGatherer(16);
    const [a, b] = [createTaker("a", taken), createTaker("b", taken)];
    for (const [taker, text] of [
      [a, "1"],
      [a, "2"],
      [b, "3"],
      [a, "4"],
    ] as const) {
      gatherer.add(taker, Buffer.from(text));
    }
    await nextTick();
    expect(taken).toEqual(["a:12", "b:3", "a:4"]);
  });

  it("never holds more than its bound, and takes a chunk of just that", async () => {
    const taken: string[] = [];
    const [gatherer, a] = [createGatherer(8), createTaker("a", taken)];
    for (const text of ["12345", "678", "9", "abcdefgh"]) gatherer.add(a, Buffer.from(text));
    expect(taken).toEqual(["a:12345678", "a:9"]);
    await nextTick();
    expect(taken).toEqual(["a:12345678", "a:9", "a:abcdefgh"]);
  });

  it("has nothing left to hand on after a flush", async () => {
    const taken: string[] = [];
    const [gatherer, a] = [createGatherer(8), createTaker("a", taken)];
    gatherer.add(a, Buffer.from("now"));
    gatherer.flush();
    expect(taken).toEqual(["a:now"]);
    gatherer.flush();
    await nextTick();
    expect(taken).toEqual(["a:now"]);
  });
});
