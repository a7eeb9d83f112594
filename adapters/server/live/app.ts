/** The live page and its feed, for whoever may see them. */
import { Hono, type MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { GatewayState } from "../../../src/gateway/state.ts";
import type { Connection } from "../runtime.ts";
import { checkAccess } from "./access.ts";
import { createFeed } from "./feed.ts";
import { buildPage, type LivePage } from "./page.ts";
import type { RowRing } from "./row-ring.ts";
import { createSampler } from "./sampler.ts";

export interface LiveOptions {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly isDraining: () => boolean;
  readonly rows: RowRing;
}

type LiveEnv = { readonly Bindings: Connection; readonly Variables: { hasAccess: boolean } };

const FORBIDDEN = `The live page answers this machine alone, under a name of its own (localhost, 127.0.0.1, [::1]).
Set admin_token to open it to others, or forward its port: ssh -L 9090:127.0.0.1:9090 HOST
`;

const NO_TOKEN = "The live feed needs the gateway's admin_token: authorization: Bearer TOKEN\n";

export function createLiveApp(
  state: GatewayState,
  { version, startedAt, isDraining, rows }: LiveOptions,
): Hono<LiveEnv> {
  const sampler = createSampler({ state, isDraining });
  const feed = createFeed({ rows, sampler, version, startedAt });
  let page: LivePage | undefined;
  const app = new Hono<LiveEnv>();
  const guard = accessTo(state);
  app.get("/", guard, (c) => {
    page ??= buildPage();
    c.header("content-security-policy", page.policy);
    // Without access it is the same page, which then asks for the token: it has no data in itself.
    return c.html(page.html, c.var.hasAccess ? 200 : 401);
  });
  app.get("/live/events", guard, (c) => {
    if (!c.var.hasAccess) return c.text(NO_TOKEN, 401);
    c.header("content-type", "text/event-stream; charset=utf-8");
    c.header("x-accel-buffering", "no");
    // Hono answers HEAD by the same handler and would never read, nor cancel, the stream.
    if (c.req.raw.method === "HEAD") return c.body(null);
    const events = feed.open();
    return events ? c.body(events) : c.text("Too many live pages are open.\n", 503, { "retry-after": "5" });
  });
  return app;
}

/** Ends a forbidden visit; one without the token goes on with `hasAccess` false. */
function accessTo(state: GatewayState): MiddlewareHandler<LiveEnv> {
  return createMiddleware<LiveEnv>(async (c, next) => {
    c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
    c.header("referrer-policy", "no-referrer");
    c.header("cross-origin-resource-policy", "same-origin");
    const access = checkAccess({
      // Asked each time: a reload may change it.
      adminToken: state.settings.config.adminToken,
      remoteAddress: c.env.remoteAddress,
      host: c.req.header("host"),
      authorization: c.req.header("authorization"),
    });
    if (access === "forbidden") return c.text(FORBIDDEN, 403);
    if (access === "needs_token") c.header("www-authenticate", "Bearer");
    c.set("hasAccess", access === "granted");
    return next();
  });
}
