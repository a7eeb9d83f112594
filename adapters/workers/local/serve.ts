/** `npm run start:workers -- --config FILE`: the built worker under local workerd, with rows and diagnostics as the servers give them. */
import { readFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Miniflare } from "miniflare";
import { parse } from "smol-toml";
import { loadConfig } from "../../../src/config/parse.ts";
import { stopOnSignals } from "../../server/cli/signals.ts";
import { createLog } from "../../server/log.ts";
import { createRowSink } from "../../server/row-sink.ts";
import { buildWorker } from "./build.ts";
import { readDenyEntries } from "./deny-entries.ts";
import { varsOf } from "./vars.ts";
import { createWorkerLog } from "./worker-log.ts";

const PROJECT_ROOT = new URL("../../../", import.meta.url);
/** Where wrangler keeps its local KV, so that `wrangler kv key put --local` reaches a running gateway. */
const WRANGLER_KV = fileURLToPath(new URL(".wrangler/state/v3/kv", PROJECT_ROOT));

/** One after the other, a thousand entries took four seconds. */
const WRITES_AT_ONCE = 100;

/** The parts of wrangler.toml that say how the worker runs. */
interface WranglerConfig {
  readonly compatibility_date: string;
  readonly compatibility_flags: string[];
  readonly kv_namespaces: readonly { readonly binding: string; readonly id: string }[];
}

/** What is used of a KV namespace here. */
interface LocalKv {
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
}

const log = createLog("info");

async function serve(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  const toml = values.config === undefined ? "" : readFileSync(values.config, "utf8");
  // Read here as well, so that a wrong config is told before anything runs; the worker says its warnings itself.
  const { config } = loadConfig({ toml, env: process.env, runtime: "workers" });
  const wrangler = readWranglerConfig();
  const rows = createRowSink({ fd: 1, log, onLost: () => {} });
  const miniflare = new Miniflare({
    name: "beyond-ai",
    modules: true,
    script: await buildWorker(),
    compatibilityDate: wrangler.compatibility_date,
    compatibilityFlags: wrangler.compatibility_flags,
    bindings: varsOf(toml, process.env),
    kvNamespaces: Object.fromEntries(wrangler.kv_namespaces.map(({ binding, id }) => [binding, id])),
    kvPersist: config.snapshotPath === undefined ? WRANGLER_KV : `${config.snapshotPath}.kv`,
    // Miniflare's own front door would decode and encode bodies.
    unsafeDirectSockets: [{ host: config.listen.host, port: config.listen.port }],
    cf: false,
    structuredWorkerdLogs: true,
    handleStructuredLogs: createWorkerLog({
      writeRow: rows.write,
      writeDiagnostic: (line) => void writeSync(2, `${line}\n`),
      log,
    }),
  });
  const { origin } = await miniflare.unsafeGetDirectURL();
  if (config.snapshotPath !== undefined) await fillDenySet(miniflare, config.snapshotPath);
  stopOnSignals(async () => {
    await miniflare.dispose();
    await rows.flush();
  });
  log("info", "listening", { url: origin, runtime: "workers" });
}

function readWranglerConfig(): WranglerConfig {
  const config: unknown = parse(readFileSync(new URL("wrangler.toml", PROJECT_ROOT), "utf8"));
  return config as WranglerConfig; // our own file, which wrangler checks on deployment
}

async function fillDenySet(miniflare: Miniflare, snapshotPath: string): Promise<void> {
  const { DENY } = await miniflare.getBindings<{ readonly DENY: LocalKv }>();
  const entries = [...readDenyEntries(snapshotPath)];
  for (let i = 0; i < entries.length; i += WRITES_AT_ONCE) {
    const writes = entries.slice(i, i + WRITES_AT_ONCE);
    await Promise.all(
      writes.map(([key, value]) => (value === undefined ? DENY.delete(key) : DENY.put(key, value))),
    );
  }
}

await serve().catch((error: unknown) => {
  log("error", error instanceof Error ? error.message : String(error));
  process.exit(1);
});
