/** The admin listener: is it alive, is it ready, what does it count, and the live page. */
import { Hono } from "hono";
import type { GatewayState } from "../../src/gateway/state.ts";
import { createLiveApp, type LiveOptions } from "./live/app.ts";
import { createProcessMetrics, joinMetrics } from "./process-metrics.ts";
import type { Connection, Workers } from "./runtime.ts";

export interface AdminOptions extends LiveOptions {
  /** Where other processes do the work. */
  readonly workers?: Pick<Workers, "collect" | "health"> | undefined;
}

export function createAdminApp(
  state: GatewayState,
  options: AdminOptions,
): Hono<{ readonly Bindings: Connection }> {
  const { version, isDraining, workers } = options;
  const own = createProcessMetrics(workers && "primary");
  const app = new Hono<{ readonly Bindings: Connection }>();
  app.get("/livez", (c) => c.json({ status: "ok", version }));
  app.get("/readyz", (c) => {
    if (isDraining()) return c.json({ status: "draining", version }, 503);
    const health = workers?.health() ?? "ok";
    if (health === "down") return c.json({ status: health, version }, 503);
    return c.json({ status: state.deny.connected?.() === false ? "degraded" : health, version });
  });
  app.get("/metrics", async (c) => {
    // First, since it brings the state's own up to date.
    const others = await workers?.collect();
    const processes = await own.metrics();
    const text = state.metrics.text() + (others ? joinMetrics([processes, ...others]) : processes);
    return c.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.route("/", createLiveApp(state, options));
  return app;
}
