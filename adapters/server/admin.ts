/** The admin listener: is it alive, is it ready, what does it count, and the live page. */
import { Hono } from "hono";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { GatewayState } from "../../src/gateway/state.ts";
import { createLiveApp, type LiveOptions } from "./live/app.ts";
import type { Connection } from "./serve.ts";

export type AdminOptions = LiveOptions;

export function createAdminApp(
  state: GatewayState,
  options: AdminOptions,
): Hono<{ readonly Bindings: Connection }> {
  const { version, isDraining } = options;
  const processMetrics = new Registry();
  collectDefaultMetrics({ register: processMetrics });
  const app = new Hono<{ readonly Bindings: Connection }>();
  app.get("/livez", (c) => c.json({ status: "ok", version }));
  app.get("/readyz", (c) => {
    if (isDraining()) return c.json({ status: "draining", version }, 503);
    return c.json({ status: state.deny.connected?.() === false ? "degraded" : "ok", version });
  });
  app.get("/metrics", async (c) => {
    const text = state.metrics.text() + (await processMetrics.metrics());
    return c.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.route("/", createLiveApp(state, options));
  return app;
}
