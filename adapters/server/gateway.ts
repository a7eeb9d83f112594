/** A gateway between its listeners: its state and what feeds it, opened and closed in order. */
import type { Config } from "../../src/config/keys.ts";
import type { Clock, Log } from "../../src/gateway/ports.ts";
import { formatRow, type UsageRow } from "../../src/gateway/row.ts";
import { createState, type GatewayState } from "../../src/gateway/state.ts";
import type { Limits } from "../../src/limit/limits.ts";
import { createZlibDecoder } from "./decoders.ts";
import type { LivingDenySource } from "./deny/index.ts";
import { exchangesEnded } from "./in-flight.ts";
import { createRowSink, type RowSink } from "./row-sink.ts";
import type { OpenServer } from "./runtime.ts";
import type { Telemetry } from "./telemetry/index.ts";
import { createNativeVerify } from "./verify.ts";

export interface GatewayOptions {
  readonly config: Config;
  readonly log: Log;
  readonly version: string;
  readonly deny: LivingDenySource;
  /** Whether requests pass through this process; only then is there something to trace. */
  readonly relays: boolean;
  readonly limits?: Limits | undefined;
  /** Where rows go; standard output unless told. */
  readonly rowsFd?: number | undefined;
  /** Bytes of rows that may wait for a reader; 64 MiB unless told. */
  readonly maxQueuedRowBytes?: number | undefined;
  /** Takes the rows instead of a descriptor. */
  readonly onUsage?: ((row: UsageRow) => void) | undefined;
  /** Sees each row first. */
  readonly onRow?: (row: UsageRow) => void;
}

export interface PreparedGateway {
  readonly state: GatewayState;
  readonly rows: RowSink;
  /** No new connections, streams finish within the grace period, rows are flushed. */
  close(server: OpenServer): Promise<void>;
  /** Before anything listened. */
  abandon(): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** The least time that the last rows get, however little is left of the grace period, in milliseconds. */
const LAST_ROWS_MS = 5_000;

/** Resolves when the deny source has started: what it knows is enforced from the first request on. */
export async function prepareGateway({
  config,
  log,
  version,
  deny,
  relays,
  limits,
  rowsFd = 1,
  maxQueuedRowBytes,
  onUsage,
  onRow,
}: GatewayOptions): Promise<PreparedGateway> {
  const clock = SYSTEM_CLOCK;
  const rows = createRowSink({
    fd: rowsFd,
    log,
    onLost: () => state.metrics.writeErrors.add(),
    ...(maxQueuedRowBytes !== undefined && { maxQueuedBytes: maxQueuedRowBytes }),
  });
  const writeRow = onUsage ?? ((row: UsageRow) => rows.write(formatRow(row)));
  const telemetry = relays ? await openTelemetry(config.otlpEndpoint, version, log) : undefined;
  const state: GatewayState = createState(config, {
    deny,
    clock,
    verify: createNativeVerify(),
    createDecoder: createZlibDecoder,
    log,
    limits,
    onUsage(row) {
      onRow?.(row);
      writeRow(row);
    },
    startSpan: telemetry?.startSpan,
  });
  await deny.start();
  return {
    state,
    rows,
    async close(server) {
      state.draining = true;
      // Read now: a reload may have changed it.
      const graceMs = state.settings.config.shutdownGracePeriodSecs * 1000;
      const graceEnds = clock.monotonic() + graceMs;
      const grace = setTimeout(() => server.destroy(), graceMs);
      await server.close();
      clearTimeout(grace);
      // Requests that the end of the grace period cut off still get their rows.
      await exchangesEnded(state, Math.max(LAST_ROWS_MS, graceEnds - clock.monotonic()));
      await rows.flush(Math.max(LAST_ROWS_MS, graceEnds - clock.monotonic()));
      await deny.close();
      await telemetry?.close();
    },
    async abandon() {
      await deny.close();
      await telemetry?.close();
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
