/** The client of `upstream_http2` over loopback: what a reload does to its connections. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createHttp2Client } from "../../../adapters/node/http2-client.ts";
import type { CallEvents, HttpClient } from "../../../adapters/server/http/client/http-client.ts";
import { createMailbox } from "../../support/mailbox.ts";

const ignore = () => {};
/** Closes nothing by itself. */
const server = createServer({ keepAliveTimeout: 0 }, (_request, response) => responses.put(response));
const responses = createMailbox<ServerResponse>();
let config = { connectTimeoutSecs: 10, idleTimeoutSecs: 1000 };
let client: HttpClient;
let authority: string;
beforeEach(async () => {
  client = createHttp2Client(() => config);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  client.close();
  server.close();
});

/** Resolves with the body. */
function get(): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = "";
    const events: CallEvents = {
      onConnectRetry: ignore,
      onStart: ignore,
      onDrain: ignore,
      onSent: ignore,
      onRead: ignore,
      onHead: ignore,
      onData: (bytes) => {
        body += Buffer.from(bytes);
      },
      onEnd: () => resolve(body),
      onFailed: reject,
    };
    client.call({ authority, tls: false, method: "GET", path: "/", headers: [], body: undefined }, events);
  });
}

it("lets go of an origin's connections when a reload changes the time-outs, those in use after their answer", async () => {
  const [first, second] = [get(), get()];
  const [idle, busy] = [await responses.take(), await responses.take()];
  const sockets = [idle.socket, busy.socket] as Socket[]; // of answers that have not ended
  const closed = sockets.map((socket) => once(socket, "close"));
  idle.end("first");
  expect(await first).toBe("first");
  config = { ...config, idleTimeoutSecs: 900 };
  const third = get();
  const next = await responses.take();
  expect(sockets).not.toContain(next.socket);
  await closed[0];
  busy.end("second");
  expect(await second).toBe("second");
  await closed[1];
  next.end("third");
  expect(await third).toBe("third");
});
