/** `npm run start:workers -- --config FILE`: the built worker under local workerd, with rows and diagnostics as the servers give them. */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Miniflare } from "miniflare";
import { parse } from "smol-toml";
import { loadConfig } from "../../../src/config/parse.ts";
import { messageOf } from "../../server/errors.ts";
import { createLog, writeUnlessStalled } from "../../server/log.ts";
import { createRowSink } from "../../server/row-sink.ts";
import { stopOnSignals } from "../../server/signals.ts";
import { buildWorker } from "./build.ts";
import { readDenyEntries } from "./deny-entries.ts";
import type { FillerEntry } from "./deny-filler.ts";
import { varsOf } from "./vars.ts";
import { createWorkerLog } from "./worker-log.ts";

const PROJECT_ROOT = new URL("../../../", import.meta.url);
/** Where wrangler keeps its local KV, so that `wrangler kv key put --local` reaches a running gateway. */
const WRANGLER_KV = fileURLToPath(new URL(".wrangler/state/v3/kv", PROJECT_ROOT));

const GATEWAY = "beyond-ai";
const FILLER_ENTRY = fileURLToPath(new URL("deny-filler.ts", import.meta.url));

/** The parts of wrangler.toml that say how the worker runs. */
interface WranglerConfig {
  readonly compatibility_date: string;
  readonly compatibility_flags: string[];
  readonly kv_namespaces: readonly { readonly binding: string; readonly id: string }[];
}

/** Said at any log level: supervisors and tests wait for it. */
const announce = createLog("info");

async function serve(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  const toml = values.config === undefined ? "" : readFileSync(values.config, "utf8");
  // Read here as well, so that a wrong config is reported before anything runs; the worker logs the warnings itself.
  const { config } = loadConfig({ toml, env: process.env, runtime: "workers" });
  const log = createLog(config.logLevel);
  const wrangler = readWranglerConfig();
  const rows = createRowSink({ fd: 1, log, onLost: () => {} });
  const runsAs = {
    modules: true,
    compatibilityDate: wrangler.compatibility_date,
    compatibilityFlags: wrangler.compatibility_flags,
    kvNamespaces: Object.fromEntries(wrangler.kv_namespaces.map(({ binding, id }) => [binding, id])),
  };
  const gateway = {
    ...runsAs,
    name: GATEWAY,
    script: await buildWorker(),
    bindings: varsOf(toml, process.env),
    // Miniflare's own front door would decode and encode bodies.
    unsafeDirectSockets: [{ host: config.listen.host, port: config.listen.port }],
  };
  const filler = { ...runsAs, name: "deny-filler", script: await buildWorker(FILLER_ENTRY) };
  const workerd = followProcess();
  const miniflare = new Miniflare({
    // `dispatchFetch` goes to the first.
    workers: config.snapshotPath === undefined ? [gateway] : [filler, gateway],
    kvPersist: config.snapshotPath === undefined ? WRANGLER_KV : `${config.snapshotPath}.kv`,
    cf: false,
    structuredWorkerdLogs: true,
    handleStructuredLogs: createWorkerLog({
      writeRow: rows.write,
      writeDiagnostic: (line) => writeUnlessStalled(2, `${line}\n`),
      log,
    }),
  });
  const { origin } = await miniflare.unsafeGetDirectURL(GATEWAY);
  if (config.snapshotPath !== undefined) await fillDenySet(miniflare, config.snapshotPath);
  // Miniflare's own listeners would end this process at once, whatever workerd still serves and whatever rows are not written yet.
  for (const signal of ["SIGTERM", "SIGINT"]) process.removeAllListeners(signal);
  // What else Miniflare leaves behind, it removes when this process exits.
  stopOnSignals(async () => {
    log("info", "draining");
    await drain(workerd());
    await rows.flush();
  });
  announce("info", "listening", { url: origin, runtime: "workers" });
}

/** Gives the process that was started last from here on: Miniflare keeps those that it starts to itself. */
function followProcess(): () => ChildProcess | undefined {
  let last: ChildProcess | undefined;
  subscribe("child_process", (message) => {
    last = (message as { readonly process: ChildProcess }).process; // as Node documents the channel
  });
  return () => last;
}

/** workerd serves no new requests from SIGTERM on, and ends with the last of those that it has. */
async function drain(workerd: ChildProcess | undefined): Promise<void> {
  if (!workerd || workerd.exitCode !== null || workerd.signalCode !== null) return;
  // Miniflare would take its end for a crash, and start another one.
  workerd.removeAllListeners("exit");
  const closed = once(workerd, "close");
  workerd.kill("SIGTERM");
  await closed;
}

function readWranglerConfig(): WranglerConfig {
  const config: unknown = parse(readFileSync(new URL("wrangler.toml", PROJECT_ROOT), "utf8"));
  return config as WranglerConfig; // our own file, which wrangler checks on deployment
}

async function fillDenySet(miniflare: Miniflare, snapshotPath: string): Promise<void> {
  const entries = [...readDenyEntries(snapshotPath)].map(([key, value]): FillerEntry => [key, value ?? null]);
  const body = JSON.stringify(entries);
  const { ok, status } = await miniflare.dispatchFetch("http://filler/", { method: "POST", body });
  if (!ok) throw new Error(`the local KV could not be filled: ${status}`);
}

await serve().catch((error: unknown) => {
  announce("error", messageOf(error));
  process.exit(1);
});
