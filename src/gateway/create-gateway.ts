/** The gateway as a Hono app: for any Web-standard runtime, alone or mounted in another app. */
import { type Context, Hono } from "hono";
import { routePath } from "hono/route";
import { type EmbeddedValues, embeddedConfig } from "../config/embedded.ts";
import { createWebCryptoVerify } from "../keys/verify-webcrypto.ts";
import { createFetchUpstream } from "./fetch-upstream.ts";
import type { Clock, DenySource, Log, Upstream } from "./ports.ts";
import { type RelayPorts, relay } from "./relay.ts";
import { createState, type GatewayState, type Ports } from "./state.ts";
import { createStreamDecoder } from "./stream-decoder.ts";
import { inboundOf } from "./web-request.ts";

/** Config keys in camel case, each checked as the config file's are, and the ports; all have defaults. */
export interface GatewayOptions extends EmbeddedValues, Partial<Omit<Ports, "limits" | "startSpan">> {
  readonly upstream?: Upstream;
}

/** A Hono app, and what an embedder reads beside it. */
export type Gateway = Hono & {
  /** Prometheus text (exposition format 0.0.4). */
  metrics(): string;
};

const ALLOW_ALL: DenySource = { lookup: () => undefined };
const SYSTEM_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
const SILENT: Log = () => {};

/** Throws a `ConfigError` that names the option. Embedded, nothing is written anywhere but to the ports. */
export function createGateway(options: GatewayOptions = {}): Gateway {
  const { deny, clock, verify, createDecoder, log, allowCredential, onUsage, upstream, ...values } = options;
  const state = createState(embeddedConfig(values), {
    deny: deny ?? ALLOW_ALL,
    clock: clock ?? SYSTEM_CLOCK,
    verify: verify ?? createWebCryptoVerify(),
    createDecoder: createDecoder ?? createStreamDecoder,
    log: log ?? SILENT,
    allowCredential,
    onUsage: onUsage ?? (() => {}),
  });
  const ports = { upstream: upstream ?? createFetchUpstream({ decodesBodies: true }) };
  return Object.assign(createApp(state, ports), { metrics: () => state.metrics.text() });
}

/**
 * The portable transport over a state that is there already.
 *
 * @internal exported for tests
 */
export function createApp(state: GatewayState, ports: RelayPorts): Hono {
  const app = new Hono();
  app.all("*", (context) => {
    const request = context.req.raw;
    const waitUntil = waitUntilOf(context);
    return relay(
      state,
      waitUntil ? { ...ports, waitUntil } : ports,
      request,
      inboundOf(request, mountDepth(context)),
    );
  });
  return app;
}

/** Segments that `app.route("/under/this", gateway)` put before our own path. */
function mountDepth(context: Context): number {
  return routePath(context).split("/").length - 2;
}

function waitUntilOf(context: Context): ((work: Promise<unknown>) => void) | undefined {
  try {
    const { executionCtx } = context;
    return (work) => executionCtx.waitUntil(work);
  } catch {
    return undefined; // Hono throws where the runtime has none.
  }
}
