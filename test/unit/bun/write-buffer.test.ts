import { describe, expect, it } from "vitest";
import type { BunSocket } from "../../../adapters/bun/sockets.ts";
import { WriteBuffer, writeEach } from "../../../adapters/bun/write-buffer.ts";

/** Takes as many bytes of each write as it is told, and the rest of the writes whole. */
function socketThatTakes(...amounts: number[]) {
  const writes: string[] = [];
  const write = (bytes: Uint8Array, from = 0, length = bytes.length): number => {
    const taken = Math.min(amounts.shift() ?? length, length);
    if (taken > 0) writes.push(latin1(bytes.subarray(from, from + taken)));
    return taken;
  };
  let failures = 0;
  const data = { onWriteFailed: () => failures++ };
  // What a write needs of a socket.
  return { socket: { write, data } as unknown as BunSocket, writes, failures: () => failures };
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (parts: readonly Uint8Array[]): string => parts.map(latin1).join("");
const LARGE = bytesOf("0123456789".repeat(20_000));

describe("a write buffer", () => {
  it("writes a head and the pieces of a body at once", () => {
    const { socket, writes } = socketThatTakes();
    const rest = new WriteBuffer().write(socket, "head\xe9 ", [bytesOf("one "), bytesOf("two")]);
    expect({ rest, writes }).toEqual({ rest: [], writes: ["head\xe9 one two"] });
  });

  it("keeps what is not taken, whatever is written next", () => {
    const buffer = new WriteBuffer();
    const rest = buffer.write(socketThatTakes(6).socket, "head ", [bytesOf("body")]);
    buffer.write(socketThatTakes().socket, "another's head", [bytesOf("and body")]);
    expect(textOf(rest)).toBe("ody");
  });

  it("takes a closed socket for one that takes nothing, and tells it so", () => {
    const { socket, failures } = socketThatTakes(-1);
    const rest = new WriteBuffer().write(socket, "head ", [bytesOf("body")]);
    expect(textOf(rest)).toBe("head body");
    expect(failures()).toBe(1);
  });

  it("puts a head in front of a part where there is room for it, and keeps what is not taken", () => {
    const read = bytesOf(`a longer head ${"body".repeat(5_000)}`);
    const { socket, writes } = socketThatTakes(12);
    const part = read.subarray("a longer head ".length);
    const rest = new WriteBuffer().write(socket, "head\xe9 ", [part]);
    expect(writes.join("") + textOf(rest)).toBe(`head\xe9 ${"body".repeat(5_000)}`);
    expect(latin1(read).slice(0, 18)).toBe("a longerhead\xe9 body");
    const noRoom = socketThatTakes();
    new WriteBuffer().write(noRoom.socket, "a head that is longer", [part]);
    expect(noRoom.writes).toEqual([`a head that is longer${"body".repeat(5_000)}`]);
  });

  it("writes what is large where it stands, after its head", () => {
    const { socket, writes } = socketThatTakes();
    const rest = new WriteBuffer().write(socket, "head ", [LARGE, bytesOf("end")]);
    expect({ rest, writes }).toEqual({ rest: [], writes: ["head ", latin1(LARGE), "end"] });
  });

  it.each([
    [0, 0],
    [3, 0],
    [5, 0],
    [5, 7],
  ])("keeps the order of what is large when %i and %i bytes are taken", (...amounts) => {
    const { socket, writes } = socketThatTakes(...amounts);
    let rest = new WriteBuffer().write(socket, "head ", [LARGE, bytesOf("end")]);
    expect(rest).not.toEqual([]);
    while (rest.length > 0) rest = writeEach(socket, rest);
    expect(writes.join("")).toBe(`head ${latin1(LARGE)}end`);
  });
});
