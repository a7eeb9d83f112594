/** The gateway as it is measured: a managed key and every feature on. */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getPublicKeyAsync } from "@noble/ed25519";
import { stringify } from "smol-toml";
import { encodeBase64Url } from "../../src/keys/base64url.ts";
import { mintVirtualKey } from "../../src/keys/virtual-key.ts";
import { START_TIMEOUT_MS, startChild } from "./child.ts";
import { BYO_HEADERS, type Place, type RunningTarget, runningTarget, type StartOptions } from "./target.ts";

const SECRET_KEY = new Uint8Array(32).fill(7);
const DENIED_TENANTS = 1000;
/** A ceiling that is asked at every request and never reached. */
const NO_CEILING_RPS = 1_000_000;

interface GatewayOptions extends StartOptions {
  /** On top of what every gateway is measured with. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Starts `command… --config FILE`. Its rows go to a file, so that reading them costs the machine nothing while it measures. */
export async function startGateway(
  command: readonly string[],
  place: Place,
  { env = {}, counted, config = {} }: GatewayOptions = {},
): Promise<RunningTarget> {
  const configFile = join(place.folder, "config.toml");
  const rowsFile = join(place.folder, "rows.jsonl");
  writeFileSync(configFile, stringify({ ...(await gatewayConfig(place)), ...config }));
  const token = await mintVirtualKey({
    secretKey: SECRET_KEY,
    kid: 1,
    tenantId: "42",
    vpcId: "1",
    keyId: "7",
  });
  const rowsFd = openSync(rowsFile, "w");
  const child = startChild({
    command: [...command, "--config", configFile],
    env,
    lines: "stderr",
    stdoutFd: rowsFd,
  });
  closeSync(rowsFd);
  const headers = { ...BYO_HEADERS, authorization: `Bearer ${token}` };
  const ready = child.line(listeningUrl, START_TIMEOUT_MS);
  return runningTarget(child, ready, {
    headers,
    rowsFile,
    ...(counted !== undefined && { command: counted }),
  });
}

async function gatewayConfig({ providerPort, folder }: Place): Promise<Record<string, unknown>> {
  return {
    listen: "127.0.0.1:0",
    metrics_listen: "127.0.0.1:0",
    signing_keys: { 1: encodeBase64Url(await getPublicKeyAsync(SECRET_KEY)) },
    pool_keys: { openai: "sk-pool-key-of-the-benchmark" },
    provider_authorities: { openai: `127.0.0.1:${providerPort}` },
    upstream_tls: false,
    rate_limit_rps: NO_CEILING_RPS,
    byo_rate_limit_rps: NO_CEILING_RPS,
    snapshot_path: writeDenySnapshot(folder),
    shutdown_delay_secs: 0,
    shutdown_grace_period_secs: 1,
    log_level: "error",
  };
}

/** So that looking a tenant up is not looking into nothing (gateway.md §9). */
function writeDenySnapshot(folder: string): string {
  const file = join(folder, "deny.jsonl");
  const head = { format: "beyond-ai-deny/1", revision: 0, stream: null };
  const denied = Array.from({ length: DENIED_TENANTS }, (_, i) => ({
    key: `blackhole.${1_000_000 + i}`,
    value: "spend",
  }));
  writeFileSync(file, [head, ...denied].map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

const listeningUrl = (line: string): string | undefined =>
  line.includes('"message":"listening"') ? /"url":"([^"]+)"/.exec(line)?.[1] : undefined;
