/** Node's sockets over loopback: what a user of one is told of what it wrote. */
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { listenForSockets } from "../../../adapters/node/sockets.ts";
import type { ServerSocket } from "../../../adapters/server/http/socket.ts";

/** More than the system's buffers of both ends take. */
const LARGE = 32 * 1024 * 1024;

/** A socket of ours, and its other end, which reads nothing yet. */
async function openPair(onDrain: () => void) {
  const accepted = Promise.withResolvers<ServerSocket>();
  const { port, stop } = await listenForSockets({ host: "127.0.0.1", port: 0 }, (socket) => {
    accepted.resolve(socket);
    return { onData() {}, onClose() {}, onDrain };
  });
  const peer = connect(port, "127.0.0.1").pause();
  const socket = await accepted.promise;
  return { socket, peer, stop };
}

describe("a socket of Node's", () => {
  it.each([
    ["text", "x".repeat(LARGE), []],
    ["bytes", "", [new Uint8Array(LARGE)]],
    ["both", "x".repeat(LARGE), [new Uint8Array(1)]],
  ])("tells when all that waited was taken: %s", async (_name, text, parts) => {
    const drained = Promise.withResolvers<void>();
    const { socket, peer, stop } = await openPair(drained.resolve);
    expect(socket.write(text, parts)).toBe(false);
    peer.resume();
    await drained.promise;
    socket.close();
    await once(peer, "close");
    stop();
  });
});
