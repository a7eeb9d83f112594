/** The gateway of `dev`: on loopback, over a provider of its own, with a signing key that lives as long as the process. */
import type { Config } from "../../../src/config/keys.ts";
import { configFrom } from "../../../src/config/parse.ts";
import { BUILT_IN_PROVIDERS } from "../../../src/config/providers.ts";
import type { Log } from "../../../src/gateway/ports.ts";
import type { UsageRow } from "../../../src/gateway/row.ts";
import { createState } from "../../../src/gateway/state.ts";
import { decodeBase64Any } from "../../../src/keys/base64url.ts";
import { mintVirtualKey } from "../../../src/keys/virtual-key.ts";
import { createZlibDecoder } from "../decoders.ts";
import type { OpenServer, ServerRuntime } from "../serve.ts";
import { createNativeVerify } from "../verify.ts";
import { codeOf } from "./config-file.ts";
import { CliError } from "./conventions.ts";
import { listenEmbedded } from "./embedded-server.ts";
import { generateKeyPair, type KeyPair } from "./keygen.ts";

const HOST = "127.0.0.1";
const DEFAULT_PORT = 8080;
/** How far past the default port is looked for a free one. */
const PORTS_TRIED = 20;

export interface DevGateway {
  readonly url: string;
  /** A virtual key that it accepts: tenant 1, VPC 1, key 1. */
  readonly key: string;
  /** The port that was wished for and taken, if so. */
  readonly takenPort: number | undefined;
  destroy(): void;
}

export interface DevOptions {
  readonly runtime: ServerRuntime;
  /** As asked for by the user: it or nothing. Left out: 8080, or the next free one. */
  readonly port: number | undefined;
  readonly log: Log;
  readonly onUsage: (row: UsageRow) => void;
}

/** Throws a `CliError` when the port is taken. */
export async function startDevGateway({ runtime, port, log, onUsage }: DevOptions): Promise<DevGateway> {
  const pair = await generateKeyPair(1);
  const provider = await listenEmbedded(runtime);
  const state = createState(devConfig(provider.authority, pair), {
    deny: { lookup: () => undefined },
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    verify: createNativeVerify(),
    createDecoder: createZlibDecoder,
    log,
    onUsage,
  });
  const listen = (on: number): Promise<OpenServer> => runtime.listen(state, { host: HOST, port: on });
  const server = await listenOn(port, listen).catch((error: unknown) => {
    provider.destroy();
    throw error;
  });
  return {
    url: `http://${HOST}:${server.port}`,
    key: await mintDevKey(pair),
    takenPort: port === undefined && server.port !== DEFAULT_PORT ? DEFAULT_PORT : undefined,
    destroy() {
      server.destroy();
      provider.destroy();
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
