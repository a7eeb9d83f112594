/** A gateway process on Node or Bun: from a config to a listening server, and from a signal to an orderly end. */
import { formatListenAddress, type ListenAddress } from "../../src/config/address.ts";
import type { Config } from "../../src/config/keys.ts";
import type { LoadedConfig } from "../../src/config/parse.ts";
import type { Log } from "../../src/gateway/ports.ts";
import type { UsageRow } from "../../src/gateway/row.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import type { AdminOptions } from "./admin.ts";
import { createServerDenySource, type ServerDenySource } from "./deny/index.ts";
import { type PreparedGateway, prepareGateway, SYSTEM_CLOCK } from "./gateway.ts";
import { createLate } from "./late.ts";
import { createRowRing } from "./live/row-ring.ts";
import { reload } from "./reload.ts";
import type { ListeningApp, OpenServer, ServerRuntime, Workers } from "./runtime.ts";

export interface RunningGateway {
  readonly url: string;
  readonly adminUrl: string;
  readonly state: GatewayState;
  /** Takes up the config that `read` gives, or keeps the old one and says why. */
  reload(read: () => LoadedConfig): Promise<void>;
  /** readyz flips, after the delay no new connections, streams finish, rows are flushed. */
  drain(): Promise<void>;
}

export interface StartOptions {
  readonly config: Config;
  readonly runtime: ServerRuntime;
  readonly log: Log;
  readonly version: string;
  /** Where rows go; standard output unless told. */
  readonly rowsFd?: number;
  /** Bytes of rows that may wait for a reader; 64 MiB unless told. */
  readonly maxQueuedRowBytes?: number;
  /** Takes the rows instead of a descriptor. */
  readonly onUsage?: (row: UsageRow) => void;
}

/** Throws before anything listens, or closes what does: nothing is left half-started. */
export async function startGateway({ runtime, ...options }: StartOptions): Promise<RunningGateway> {
  const { config, log, version } = options;
  const deny = openDenySource(options);
  const lastRows = createRowRing();
  const workers =
    config.workers === 1
      ? undefined
      : await runtime.openWorkers?.({
          count: config.workers,
          version,
          log,
          deny,
          onRow(line) {
            lastRows.add(line);
            gateway.rows.write(line);
          },
          onCutRow: () => gateway.state.metrics.writeErrors.add(),
        });
  const gateway: PreparedGateway = await prepareGateway({
    ...options,
    deny,
    relays: workers === undefined,
    limits: workers?.limits,
    onRow: lastRows.add,
  });
  const { state } = gateway;
  const phase = { draining: false };
  const admin = lateAdminApp(state, {
    version,
    startedAt: SYSTEM_CLOCK.now(),
    isDraining: () => phase.draining,
    rows: lastRows,
    workers,
  });
  const listeners = await openListeners(runtime, state, admin, workers).catch(async (error: unknown) => {
    await gateway.abandon();
    throw error;
  });
  return {
    url: urlOf(config.listen, listeners.server.port),
    adminUrl: urlOf(config.metricsListen, listeners.admin.port),
    state,
    reload: (read) => reload(state, read, async () => workers?.reconfigure(state.settings.config)),
    async drain() {
      phase.draining = true;
      log("info", "draining", { in_flight: state.metrics.live.inFlight });
      await delay(state.settings.config.shutdownDelaySecs * 1000);
      await gateway.close(listeners.server);
      listeners.admin.destroy();
      log("info", "drained");
    },
  };
}

const openDenySource = ({ config, log }: Pick<StartOptions, "config" | "log">): ServerDenySource =>
  createServerDenySource({
    natsUrl: config.natsUrl,
    natsCreds: config.natsCreds,
    natsCredsFile: config.natsCredsFile,
    bucket: config.configBucket,
    snapshotPath: config.snapshotPath,
    rescanSecs: config.denyRescanSecs,
    clock: SYSTEM_CLOCK,
    log,
  });

/** Loaded with its first request, or soon after the start. */
function lateAdminApp(state: GatewayState, options: AdminOptions): ListeningApp {
  const app = createLate(async () => (await import("./admin.ts")).createAdminApp(state, options));
  return { fetch: async (request, connection) => (await app()).fetch(request, connection) };
}

interface Listeners {
  readonly server: OpenServer;
  readonly admin: OpenServer;
}

/** Both of them, or none. */
async function openListeners(
  runtime: ServerRuntime,
  state: GatewayState,
  adminApp: ListeningApp,
  workers: Workers | undefined,
): Promise<Listeners> {
  const { listen, metricsListen } = state.settings.config;
  const adminOpens = runtime.listenApp(adminApp, metricsListen);
  // Workers are not started for an address that the admin listener then cannot have.
  const serverOpens = workers
    ? adminOpens.then(() => workers.listen(state, listen))
    : runtime.listen(state, listen);
  const opening = [serverOpens, adminOpens] as const;
  try {
    const [server, admin] = await Promise.all(opening);
    return { server, admin };
  } catch (error) {
    // The other one may be opening still.
    for (const one of await Promise.allSettled(opening)) if (one.status === "fulfilled") one.value.destroy();
    throw error;
  }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** An address that listens everywhere is reached on loopback. */
function urlOf({ host }: ListenAddress, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${formatListenAddress({ host: reachable, port })}`;
}
