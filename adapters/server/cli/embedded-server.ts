/** The embedded provider on an ephemeral loopback port: the upstream of `dev` and of the demo. */
import { Hono } from "hono";
import { createEmbeddedProvider } from "../../../src/embedded/provider.ts";
import type { OpenServer, ServerRuntime } from "../runtime.ts";

export interface EmbeddedServer extends OpenServer {
  /** `127.0.0.1:port`, for `provider_authorities` (with `upstream_tls = false`). */
  readonly authority: string;
}

/** `onRequest` sees each request before it is answered. */
export async function listenEmbedded(
  runtime: ServerRuntime,
  onRequest: (request: Request) => void = () => {},
): Promise<EmbeddedServer> {
  const answer = createEmbeddedProvider();
  const app = new Hono();
  app.all("*", ({ req }) => {
    onRequest(req.raw);
    return answer(req.raw);
  });
  const server = await runtime.listenApp(app, { host: "127.0.0.1", port: 0 });
  return { ...server, authority: `127.0.0.1:${server.port}` };
}
