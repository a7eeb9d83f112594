/** The gateway as a module worker: config from vars and secrets, denies from KV, rows to the console and the bound sinks. */
import { waitUntil } from "cloudflare:workers";
import { ConfigError } from "../../src/config/config-error.ts";
import { type Config, loadConfig } from "../../src/config/parse.ts";
import { createKvDenySource } from "../../src/deny/kv-source.ts";
import { createFetchUpstream } from "../../src/gateway/fetch-upstream.ts";
import type { AllowCredential, Clock, DenySource, Log } from "../../src/gateway/ports.ts";
import { relay } from "../../src/gateway/relay.ts";
import { createState, type GatewayState } from "../../src/gateway/state.ts";
import { createStreamDecoder } from "../../src/gateway/stream-decoder.ts";
import { inboundOf } from "../../src/gateway/web-request.ts";
import { createWebCryptoVerify } from "../../src/keys/verify-webcrypto.ts";
import { createJsonLog } from "../server/json-log.ts";
import type { Bindings } from "./bindings.ts";
import { bodyReaders } from "./body-readers.ts";
import { createRowSink } from "./row-sink.ts";

/** `performance.now()` stands still between I/O on Workers, as all its clocks do. */
const CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

const writeLine = (line: string): void => console.error(line);

/** One gateway an isolate, made by its first request: a module has no bindings while it loads. */
function createWorker() {
  let state: GatewayState | undefined;
  const upstream = createFetchUpstream({ init: { encodeResponseBody: "manual" }, streamInit: {} });
  const ports = {
    upstream,
    responseInit: { encodeBody: "manual" },
    readers: bodyReaders,
    waitUntil,
  };

  return {
    async fetch(request: Request, env: Bindings): Promise<Response> {
      try {
        state ??= createIsolate(env);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        createJsonLog("error", writeLine)("error", error.message);
        return new Response("The gateway's configuration is wrong; its log says where.\n", { status: 500 });
      }
      return relay(state, ports, request, withoutCloudflare(inboundOf(request)));
    },
  };
}

function createIsolate(env: Bindings): GatewayState {
  const { config, warnings } = loadConfig({ env: { ...env }, runtime: "workers" });
  const log = createJsonLog(config.logLevel, writeLine);
  for (const warning of warnings) log("warn", warning);
  return createState(config, {
    deny: denySource(env, config, log),
    clock: CLOCK,
    verify: createWebCryptoVerify(),
    createDecoder: createStreamDecoder,
    log,
    allowCredential: rateLimit(env),
    onUsage: createRowSink(env, waitUntil),
  });
}

function denySource({ DENY }: Bindings, config: Config, log: Log): DenySource {
  if (!DENY) return { lookup: () => undefined };
  return createKvDenySource({
    kv: DENY,
    cacheSecs: config.denyCacheSecs,
    lookupTimeoutMs: config.denyLookupTimeoutMs,
    clock: CLOCK,
    waitUntil,
    onError: (error) => log("warn", "the deny-set could not be read", { error: String(error) }),
  });
}

/** Cloudflare's binding sees a hash, never a credential. */
function rateLimit({ RATE_LIMIT }: Bindings): AllowCredential | undefined {
  if (!RATE_LIMIT) return undefined;
  return async (credential) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(credential));
    const key = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const { success } = await RATE_LIMIT.limit({ key });
    return success;
  };
}

/** What Cloudflare's own edge puts on a request is not the client's, so it does not go up, BYO or not. */
function withoutCloudflare(inbound: ReturnType<typeof inboundOf>): ReturnType<typeof inboundOf> {
  const headers: string[] = [];
  for (let i = 0; i < inbound.headers.length; i += 2) {
    const name = inbound.headers[i]!;
    if (name.startsWith("cf-") || name.startsWith("x-forwarded-") || name === "x-real-ip") continue;
    headers.push(name, inbound.headers[i + 1]!);
  }
  return { ...inbound, headers };
}

export default createWorker();
