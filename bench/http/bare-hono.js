/** Hono on Node with the global fetch, nothing looked at: how many a gateway is built. `bare-hono.js PROVIDER_PORT` prints its port. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const provider = `http://127.0.0.1:${process.argv[2]}`;

const app = new Hono();
app.all("*", ({ req: { raw } }) => {
  const { pathname, search } = new URL(raw.url);
  const headers = new Headers(raw.headers);
  headers.delete("host");
  headers.delete("connection");
  const { method, body, signal } = raw;
  return fetch(provider + pathname + search, {
    method,
    headers,
    body,
    signal,
    duplex: "half",
    redirect: "manual",
  });
});
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => console.log(port));
