/** The way to the providers on Node. */
import type { Config } from "../../src/config/keys.ts";
import type { HttpClient } from "../server/http/client/http-client.ts";
import { createHttp1Client } from "../server/http/client/http1-client.ts";
import { createHttp2Client } from "./http2-client.ts";
import { openSocket } from "./sockets.ts";

export type HttpClientConfig = Pick<Config, "connectTimeoutSecs" | "idleTimeoutSecs" | "upstreamHttp2">;

/** `config` is asked for every request: a reload may change it. */
export function createHttpClient(config: () => HttpClientConfig): HttpClient {
  const http1 = createHttp1Client(openSocket, config);
  const http2 = createHttp2Client(config);
  return {
    call: (request, events) => (config().upstreamHttp2 ? http2 : http1).call(request, events),
    close() {
      http1.close();
      http2.close();
    },
  };
}
