/**
 * Floods a gateway until its standard input ends, from a process of its own: `flood-child.ts URL KIND CONNECTIONS`. Prints
 * a line when the first answer came, and at the end how many had which status, and how long it took, as JSON.
 */
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { CHAT } from "../holds/lab.ts";
import type { FloodKind } from "./flood.ts";

/** 64 bytes of base64url whose scalar is below the group's order (its top byte is zero), so that only a verification tells. */
const signature = (n: number): string => `${String(n).padStart(22, "0")}${"B".repeat(60)}AAAA`.slice(0, 86);

/** The credential of the n-th request. */
const CREDENTIALS = {
  forged: (n: number) => `bai_v2.1.${"A".repeat(32)}.${signature(n)}`,
  runaway: () => "bai_v9.one-key-that-runs-away",
  byo: (n: number) => `sk-junk-${n}`,
} as const satisfies Record<FloodKind, (n: number) => string>;

const [url = "", kind = "forged", connections = "1"] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const credential = CREDENTIALS[kind as FloodKind]; // the parent's own argument
const statuses: Record<string, number> = {};
let asked = 0;
const beganMs = performance.now();

/** One request after the other on one connection, a new one whenever it is closed. */
function flood(): void {
  const socket = connect(Number(port), hostname);
  let pending = "";
  const ask = (): void => {
    const key = credential(asked++);
    socket.write(`GET ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n\r\n`);
  };
  socket.setEncoding("latin1").on("data", (text: string) => {
    pending += text;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(pending)?.[1];
    const bodyAt = pending.indexOf("\r\n\r\n") + 4;
    if (bodyAt < 4 || length === undefined || pending.length < bodyAt + Number(length)) return;
    const status = pending.slice(9, 12);
    if (Object.keys(statuses).length === 0) process.stdout.write("flooding\n");
    statuses[status] = (statuses[status] ?? 0) + 1;
    pending = "";
    ask();
  });
  socket.on("connect", ask).on("error", () => undefined);
  socket.on("close", flood);
}

for (let n = 0; n < Number(connections); n++) flood();
process.stdin.resume().once("end", () => {
  const secs = (performance.now() - beganMs) / 1000;
  process.stdout.write(JSON.stringify({ statuses, secs }), () => process.exit(0));
});
