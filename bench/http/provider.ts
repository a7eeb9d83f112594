/** The provider of the benchmarks: canned answers as fast as node:http gives them. Prints its port. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DONE, EVENTS, GAP_HEADER, JSON_ANSWER, STREAM_EVENTS, timedDelta, USAGE_EVENT } from "./answers.ts";

/** Each event is a write of its own tick, as a model's tokens come, or of its own time where a gap was asked for. */
function stream(response: ServerResponse, gapMs: number): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const next = (): void => {
    if (response.destroyed) return;
    if (sent === STREAM_EVENTS) {
      response.write(USAGE_EVENT);
      response.end(DONE);
      return;
    }
    response.write(gapMs > 0 ? timedDelta(process.hrtime.bigint()) : EVENTS[sent]);
    sent++;
    if (gapMs > 0) setTimeout(next, gapMs);
    else setImmediate(next);
  };
  next();
}

const server = createServer((request, response) => {
  let wantsStream = false;
  let isFirst = true;
  request.on("data", (bytes: Buffer) => {
    if (isFirst) wantsStream = bytes.subarray(0, 64).includes('"stream":true');
    isFirst = false;
  });
  request.on("end", () => {
    if (wantsStream) return stream(response, Number(request.headers[GAP_HEADER] ?? 0));
    response.writeHead(200, { "content-type": "application/json", "content-length": JSON_ANSWER.length });
    response.end(JSON_ANSWER);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
