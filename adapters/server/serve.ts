/** A gateway process on Node or Bun: from a config to a listening server, and from a signal to an orderly end. */
import { formatListenAddress, type ListenAddress } from "../../src/config/address.ts";
import type { Config } from "../../src/config/keys.ts";
import type { LoadedConfig } from "../../src/config/parse.ts";
import type { Log } from "../../src/gateway/ports.ts";
import type { UsageRow } from "../../src/gateway/row.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import { createServerDenySource } from "./deny/index.ts";
import { type PreparedGateway, prepareGateway, SYSTEM_CLOCK } from "./gateway.ts";
import { createLate } from "./late.ts";
import { createRowRing } from "./live/row-ring.ts";
import { reload } from "./reload.ts";
import type { OpenServer, ServerRuntime } from "./runtime.ts";

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
  const deny = createServerDenySource({
    natsUrl: config.natsUrl,
    natsCreds: config.natsCreds,
    natsCredsFile: config.natsCredsFile,
    bucket: config.configBucket,
    snapshotPath: config.snapshotPath,
    rescanSecs: config.denyRescanSecs,
    clock: SYSTEM_CLOCK,
    log,
  });
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
  const startedAt = SYSTEM_CLOCK.now();
  const adminApp = createLate(async () => {
    const { createAdminApp } = await import("./admin.ts");
    const isDraining = () => phase.draining;
    return createAdminApp(state, { version, startedAt, isDraining, rows: lastRows, workers });
  });
  const opened: OpenServer[] = [];
  const open = async (listening: Promise<OpenServer>): Promise<OpenServer> => {
    const server = await listening;
    opened.push(server);
    return server;
  };
  const adminOpens = open(
    runtime.listenApp(
      { fetch: async (request, connection) => (await adminApp()).fetch(request, connection) },
      config.metricsListen,
    ),
  );
  // No process is started for nothing.
  const serverOpens = open(
    workers
      ? adminOpens.then(() => workers.listen(state, config.listen))
      : runtime.listen(state, config.listen),
  );
  const listeners = [serverOpens, adminOpens] as const;
  const [server, admin] = await Promise.all(listeners).catch(async (error: unknown) => {
    // The other one may be opening still.
    await Promise.allSettled(listeners);
    for (const one of opened) one.destroy();
    await gateway.abandon();
    throw error;
  });
  return {
    url: urlOf(config.listen, server.port),
    adminUrl: urlOf(config.metricsListen, admin.port),
    state,
    reload: (read) => reload(state, read, async () => workers?.reconfigure(state.settings.config)),
    async drain() {
      phase.draining = true;
      log("info", "draining", { in_flight: state.metrics.live.inFlight });
      await delay(state.settings.config.shutdownDelaySecs * 1000);
      await gateway.close(server);
      admin.destroy();
      log("info", "drained");
    },
  };
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** An address that listens everywhere is reached on loopback. */
function urlOf({ host }: ListenAddress, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${formatListenAddress({ host: reachable, port })}`;
}
