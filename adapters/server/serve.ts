/** A gateway process on Node or Bun: from a config to a listening server, and from a signal to an orderly end. */
import { formatListenAddress, type ListenAddress } from "../../src/config/address.ts";
import type { Config } from "../../src/config/keys.ts";
import type { Clock, Log } from "../../src/gateway/ports.ts";
import { formatRow, type UsageRow } from "../../src/gateway/row.ts";
import { createState, type GatewayState } from "../../src/gateway/state.ts";
import { createAdminApp } from "./admin.ts";
import { createZlibDecoder } from "./decoders.ts";
import { createServerDenySource } from "./deny/index.ts";
import { exchangesEnded } from "./in-flight.ts";
import { createRowRing } from "./live/row-ring.ts";
import { createRowSink } from "./row-sink.ts";
import type { Telemetry } from "./telemetry/index.ts";
import { createNativeVerify } from "./verify.ts";

/** A listener that a runtime opened. */
export interface OpenServer {
  readonly port: number;
  /** No new connections, idle ones closed; settles when the last one is gone. */
  close(): Promise<void>;
  /** Ends every connection now. */
  destroy(): void;
}

/** What only the connection knows of a request: no header has a say in it. */
export interface Connection {
  /** Of the socket's other end; undefined if it is gone already. */
  readonly remoteAddress: string | undefined;
}

/** An app for an ordinary listener. A Hono app is one; the connection is its `c.env`. */
interface ListeningApp {
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
}

/** What a server runtime supplies. */
export interface ServerRuntime {
  /** The gateway's own listener, over the runtime's fastest transport. */
  listen(state: GatewayState, address: ListenAddress): Promise<OpenServer>;
  /** An ordinary listener for an app that need not be fast. */
  listenApp(app: ListeningApp, address: ListenAddress): Promise<OpenServer>;
}

export interface RunningGateway {
  readonly url: string;
  readonly adminUrl: string;
  readonly state: GatewayState;
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

/** What the last rows get at least, whatever is left of the grace period, in milliseconds. */
const LAST_ROWS_MS = 5_000;

/** Throws before anything listens, or closes what does: nothing is left half-started. */
export async function startGateway({
  config,
  runtime,
  log,
  version,
  rowsFd = 1,
  maxQueuedRowBytes,
  onUsage,
}: StartOptions): Promise<RunningGateway> {
  const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const deny = createServerDenySource({
    natsUrl: config.natsUrl,
    natsCreds: config.natsCreds,
    natsCredsFile: config.natsCredsFile,
    bucket: config.configBucket,
    snapshotPath: config.snapshotPath,
    rescanSecs: config.denyRescanSecs,
    clock,
    log,
  });
  const rows = createRowSink({
    fd: rowsFd,
    log,
    onLost: () => state.metrics.writeErrors.add(),
    ...(maxQueuedRowBytes !== undefined && { maxQueuedBytes: maxQueuedRowBytes }),
  });
  const writeRow = onUsage ?? ((row: UsageRow) => rows.write(formatRow(row)));
  const lastRows = createRowRing();
  const telemetry = await openTelemetry(config.otlpEndpoint, version, log);
  const state: GatewayState = createState(config, {
    deny,
    clock,
    verify: createNativeVerify(),
    createDecoder: createZlibDecoder,
    log,
    onUsage(row) {
      lastRows.add(row);
      writeRow(row);
    },
    startSpan: telemetry?.startSpan,
  });
  const phase = { draining: false };
  // Before anything listens: a deny that the snapshot holds is enforced from the first request on.
  await deny.start();
  const adminApp = createAdminApp(state, {
    version,
    isDraining: () => phase.draining,
    rows: lastRows,
  });
  const opened: OpenServer[] = [];
  const open = async (listening: Promise<OpenServer>): Promise<OpenServer> => {
    const server = await listening;
    opened.push(server);
    return server;
  };
  const listeners = Promise.all([
    open(runtime.listen(state, config.listen)),
    open(runtime.listenApp(adminApp, config.metricsListen)),
  ]);
  const [server, admin] = await listeners.catch(async (error: unknown) => {
    for (const one of opened) one.destroy();
    await deny.close();
    await telemetry?.close();
    throw error;
  });
  return {
    url: urlOf(config.listen, server.port),
    adminUrl: urlOf(config.metricsListen, admin.port),
    state,
    async drain() {
      phase.draining = true;
      // As a reload may have left them.
      const { shutdownDelaySecs, shutdownGracePeriodSecs } = state.settings.config;
      log("info", "draining", { in_flight: state.metrics.live.inFlight });
      await delay(shutdownDelaySecs * 1000);
      state.draining = true;
      const graceMs = shutdownGracePeriodSecs * 1000;
      const graceEnds = clock.monotonic() + graceMs;
      const grace = setTimeout(() => server.destroy(), graceMs);
      await server.close();
      clearTimeout(grace);
      // What the end of the grace period cut off gets a moment for its rows.
      await exchangesEnded(state, Math.max(LAST_ROWS_MS, graceEnds - clock.monotonic()));
      await deny.close();
      await rows.flush(Math.max(LAST_ROWS_MS, graceEnds - clock.monotonic()));
      await telemetry?.close();
      admin.destroy();
      log("info", "drained");
    },
  };
}

/** Imported here alone: without an endpoint its packages are never loaded. */
async function openTelemetry(
  endpoint: string | undefined,
  version: string,
  log: Log,
): Promise<Telemetry | undefined> {
  if (endpoint === undefined) return undefined;
  const { createTelemetry } = await import("./telemetry/index.ts");
  return createTelemetry({ endpoint, version, log });
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** An address that listens everywhere is reached on loopback. */
function urlOf({ host }: ListenAddress, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${formatListenAddress({ host: reachable, port })}`;
}
