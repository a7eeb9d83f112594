/** What the demo plays on: the embedded provider with its eyes open, and a real gateway in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stringify } from "smol-toml";
import { nodeRuntime } from "../adapters/node/runtime.ts";
import { listenEmbedded } from "../adapters/server/cli/embedded-server.ts";
import { generateKeyPair, type KeyPair } from "../adapters/server/cli/keygen.ts";
import type { UsageRow } from "../src/gateway/row.ts";
import { decodeBase64Any } from "../src/keys/base64url.ts";
import { mintVirtualKey } from "../src/keys/virtual-key.ts";

const BIN = fileURLToPath(new URL("../adapters/node/bin.ts", import.meta.url));
const PATIENCE_MS = 20_000;

/** The tenants of the story. The deny-set holds the last two from the start. */
export const TENANTS = { good: "42", spent: "13", fraudulent: "66" } as const;
export const POOL_KEYS = {
  openai: "sk-pool-key-of-openai",
  anthropic: "sk-ant-pool-key-of-anthropic",
} as const;

/** A request as the provider received it. */
export interface Seen {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface Stage {
  readonly url: string;
  readonly pair: KeyPair;
  /** Virtual keys by tenant. */
  readonly keys: Readonly<Record<keyof typeof TENANTS, string>>;
  /** What the provider received since it was last asked. */
  seen(): Promise<readonly Seen[]>;
  /** The rows so far; waits until there are `count`, rejects if they do not come. */
  rows(count: number): Promise<readonly UsageRow[]>;
  /** SIGTERM; the exit code of the gateway, its pipes read to the end. */
  stop(): Promise<number | null>;
  /** Whatever happened before: nothing is left running, nothing on disk. */
  dispose(): void;
}

export async function openStage(): Promise<Stage> {
  const pair = await generateKeyPair(1);
  const keys = {
    good: await mint(pair, TENANTS.good),
    spent: await mint(pair, TENANTS.spent),
    fraudulent: await mint(pair, TENANTS.fraudulent),
  };
  let received: Promise<Seen>[] = [];
  const provider = await listenEmbedded(nodeRuntime, (request) => received.push(read(request.clone())));
  const folder = mkdtempSync(join(tmpdir(), "beyond-ai-demo-"));
  const gateway = spawnGateway(writeConfig(folder, provider.authority, pair));
  const dispose = (): void => {
    gateway.child.kill("SIGKILL");
    provider.destroy();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = await gateway.url;
    return {
      url,
      pair,
      keys,
      async seen() {
        const batch = received;
        received = [];
        return Promise.all(batch);
      },
      rows: gateway.rows,
      async stop() {
        gateway.child.kill("SIGTERM");
        const [code]: (number | null)[] = await once(gateway.child, "close", {
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        return code ?? null;
      },
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

function mint({ kid, secret_key }: KeyPair, tenantId: string): Promise<string> {
  const secretKey = decodeBase64Any(secret_key)!; // generateKeyPair encoded it
  return mintVirtualKey({ secretKey, kid, tenantId, vpcId: "1", keyId: "7" });
}

const read = async (request: Request): Promise<Seen> => ({
  url: request.url,
  headers: request.headers,
  body: await request.text(),
});

/** A config file as an operator writes it, with a snapshot file as the deny source. */
function writeConfig(folder: string, authority: string, { kid, public_key }: KeyPair): string {
  const snapshot = join(folder, "deny.jsonl");
  const entries = [
    { format: "beyond-ai-deny/1", revision: 1 },
    { key: `blackhole.${TENANTS.spent}`, value: "spend" },
    { key: `blackhole.${TENANTS.fraudulent}`, value: "fraud" },
  ];
  writeFileSync(snapshot, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  const file = join(folder, "config.toml");
  const config = {
    listen: "127.0.0.1:0",
    metrics_listen: "127.0.0.1:0",
    shutdown_delay_secs: 0,
    snapshot_path: snapshot,
    upstream_tls: false,
    signing_keys: { [kid]: public_key },
    pool_keys: POOL_KEYS,
    provider_authorities: { openai: authority, anthropic: authority },
  };
  writeFileSync(file, stringify(config));
  return file;
}

interface GatewayProcess {
  readonly child: ChildProcess;
  readonly url: Promise<string>;
  readonly rows: Stage["rows"];
}

function spawnGateway(configFile: string): GatewayProcess {
  // Variables of the one who runs the demo would win over its config.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AI_")));
  const child = spawn(process.execPath, [BIN, "serve", "--config", configFile], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const rows: UsageRow[] = [];
  const onRow = new EventTarget();
  createInterface({ input: child.stdout }).on("line", (line) => {
    rows.push(JSON.parse(line));
    onRow.dispatchEvent(new Event("row"));
  });
  const said: string[] = [];
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      if (!line.startsWith("{")) return;
      const diagnostic: { message?: string; url?: string } = JSON.parse(line);
      if (diagnostic.message === "listening" && diagnostic.url !== undefined) resolve(diagnostic.url);
    });
    child.once("close", () => reject(new Error(`the gateway did not start:\n${said.join("\n")}`)));
  });
  return {
    child,
    url,
    async rows(count) {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      while (rows.length < count) {
        await once(onRow, "row", { signal: patience }).catch(() => {
          throw new Error(`${rows.length} of ${count} rows came`);
        });
      }
      return [...rows];
    },
  };
}
