/** One slow stream after the other on a raw socket: at 25,000 events a second an HTTP client would be what is measured. */
import { connect } from "node:net";
import { SENT_AT } from "../answers.ts";
import { STREAM_BODY } from "./bodies.ts";

export interface SlowStream {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  onEvent(ageMs: number): void;
  /** A stream has come to its proper end; the next one begins. */
  onEnd(): void;
  /** Refused or cut off. */
  onFailure(): void;
}

/** The last chunk of a chunked body (RFC 9112 §7.1), as a line. */
const LAST_CHUNK = "0\r";

export function openSlowStream({ url, headers, onEvent, onEnd, onFailure }: SlowStream): void {
  const request = Buffer.concat([requestHead(url, headers), STREAM_BODY]);
  const socket = connect(Number(url.port), url.hostname, () => socket.write(request));
  socket.setNoDelay(true).setEncoding("latin1");
  let rest = "";
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const sentAt = SENT_AT.exec(line)?.[1];
      if (sentAt !== undefined) onEvent(Number(process.hrtime.bigint() - BigInt(sentAt)) / 1e6);
      else if (line.startsWith("HTTP/1.1 ") && !line.startsWith("HTTP/1.1 200")) onFailure();
      else if (line === LAST_CHUNK) {
        onEnd();
        socket.write(request);
      }
    }
  });
  socket.once("close", onFailure);
  // "close" follows, and is counted.
  socket.once("error", () => {});
}

function requestHead({ pathname, host }: URL, headers: SlowStream["headers"]): Buffer {
  const all = { host, ...headers, "content-length": STREAM_BODY.length };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.join("")}\r\n`);
}
