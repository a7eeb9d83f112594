/** The gateway of `dev`: on loopback, over a provider of its own, with a signing key that lives as long as the process. */
import type { Config } from "../../../src/config/keys.ts";
import { configFrom } from "../../../src/config/parse.ts";
import { BUILT_IN_PROVIDERS } from "../../../src/config/providers.ts";
import type { Log } from "../../../src/gateway/ports.ts";
import type { UsageRow } from "../../../src/gateway/row.ts";
import { decodeBase64Any } from "../../../src/keys/base64url.ts";
import { mintVirtualKey } from "../../../src/keys/virtual-key.ts";
import { codeOf } from "../errors.ts";
import type { OpenServer, ServerRuntime } from "../runtime.ts";
import { startGateway } from "../serve.ts";
import { CliError } from "./conventions.ts";
import { listenEmbedded } from "./embedded-server.ts";
import { generateKeyPair, type KeyPair } from "./keygen.ts";

const HOST = "127.0.0.1";
const DEFAULT_PORT = 8080;
/** The live page's, if it is free and not the one that was asked for. */
const ADMIN_PORT = 9090;
/** How far past the default port is looked for a free one. */
const PORTS_TRIED = 20;

export interface DevGateway {
  readonly url: string;
  /** Its live page. */
  readonly liveUrl: string;
  /** A virtual key that it accepts: tenant 1, VPC 1, key 1. */
  readonly key: string;
  /** The default port, if it was in use. */
  readonly takenPort: number | undefined;
  destroy(): void;
}

export interface DevOptions {
  readonly runtime: ServerRuntime;
  readonly version: string;
  /** The port that the user asked for, and no other. Undefined: 8080, or the next free one. */
  readonly port: number | undefined;
  readonly log: Log;
  readonly onUsage: (row: UsageRow) => void;
}

/** Throws a `CliError` when the port is taken. */
export async function startDevGateway(options: DevOptions): Promise<DevGateway> {
  const { runtime, port, version, log, onUsage } = options;
  const pair = await generateKeyPair(1);
  const provider = await listenEmbedded(runtime);
  const opened: OpenServer[] = [provider];
  const destroy = (): void => {
    for (const server of opened) server.destroy();
  };
  const gateway = await startGateway({
    config: devConfig(provider.authority, pair),
    runtime: onFreePorts(runtime, port, opened),
    log,
    version,
    onUsage,
  }).catch((error: unknown) => {
    destroy();
    throw error;
  });
  return {
    url: gateway.url,
    liveUrl: `${gateway.adminUrl}/`,
    key: await mintDevKey(pair),
    takenPort: port === undefined && !gateway.url.endsWith(`:${DEFAULT_PORT}`) ? DEFAULT_PORT : undefined,
    destroy,
  };
}

/** The runtime, with both listeners on loopback: the gateway on the wanted port, the live page on any free one. */
function onFreePorts(runtime: ServerRuntime, port: number | undefined, opened: OpenServer[]): ServerRuntime {
  const keep = async (listening: Promise<OpenServer>): Promise<OpenServer> => {
    const server = await listening;
    opened.push(server);
    return server;
  };
  return {
    listen: (state) => keep(listenOn(port, (on) => runtime.listen(state, { host: HOST, port: on }))),
    listenApp(app) {
      const listen = (on: number) => runtime.listenApp(app, { host: HOST, port: on });
      // Nobody but the greeting needs to know where the page is.
      return keep(port === ADMIN_PORT ? listen(0) : listen(ADMIN_PORT).catch(() => listen(0)));
    },
  };
}

/** Every provider is the embedded one: over plaintext, no request and no key of anybody's may leave this machine. */
function devConfig(authority: string, { kid, public_key }: KeyPair): Config {
  const forEach = <T>(value: T): Record<string, T> =>
    Object.fromEntries(BUILT_IN_PROVIDERS.map(({ name }) => [name, value]));
  return configFrom({
    signingKeys: { [kid]: public_key },
    providerAuthorities: forEach(authority),
    poolKeys: forEach("pool-key-of-the-embedded-provider"),
    upstreamTls: false,
    listen: `${HOST}:0`,
    metricsListen: `${HOST}:0`,
  });
}

function mintDevKey({ kid, secret_key }: KeyPair): Promise<string> {
  const secretKey = decodeBase64Any(secret_key)!; // generateKeyPair encoded it
  return mintVirtualKey({ secretKey, kid, tenantId: "1", vpcId: "1", keyId: "1" });
}

async function listenOn(
  port: number | undefined,
  listen: (port: number) => Promise<OpenServer>,
): Promise<OpenServer> {
  const first = port ?? DEFAULT_PORT;
  const last = port ?? DEFAULT_PORT + PORTS_TRIED - 1;
  for (let on = first; ; on++) {
    try {
      return await listen(on);
    } catch (error) {
      const code = codeOf(error);
      if (code !== "EADDRINUSE") throw new CliError(`--port: cannot listen on ${HOST}:${on}: ${code}`);
      if (on < last) continue;
      const taken = first === last ? `port ${first} is` : `ports ${first} to ${last} are`;
      throw new CliError(`--port: ${taken} in use: give another one`);
    }
  }
}
