/** What a gateway says of itself while it soaks, and whether it may be said to hold. */
import { parseExposition } from "../../test/ops/exposition.ts";

export interface Reading {
  readonly secs: number;
  readonly requests: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly openFiles: number;
  readonly timers: number;
  readonly inFlight: number;
  readonly streams: number;
}

/** Growth of memory between the second quarter of the run and the last that is noise: this share, or so many MB. */
const MAX_GROWTH_SHARE = 0.1;
const MAX_GROWTH_MB = 12;

export async function readGateway(adminUrl: string, secs: number): Promise<Reading> {
  const families = parseExposition(await (await fetch(`${adminUrl}/metrics`)).text());
  const value = (name: string, labels = ""): number => families.get(name)?.samples.get(labels) ?? 0;
  return {
    secs: Math.round(secs),
    requests: value("ai_requests_total"),
    rssMb: toMb(value("process_resident_memory_bytes")),
    heapMb: toMb(value("nodejs_heap_size_used_bytes")),
    openFiles: value("process_open_fds"),
    timers: value("nodejs_active_resources", 'type="Timeout"'),
    inFlight: value("ai_requests_in_flight"),
    streams: value("ai_active_streams"),
  };
}

const toMb = (bytes: number): number => Math.round(bytes / 1e5) / 10;

export interface Run {
  /** Before any traffic. */
  readonly fresh: Reading;
  readonly readings: readonly Reading[];
  /** Once the traffic is over and pooled connections have had their time. */
  readonly rested: Reading;
  readonly stderr: string;
  readonly rows: number;
  /** As `ai_usage_rows_total` has it. */
  readonly countedRows: number;
}

/** Each line says what is wrong; none if it holds. */
export function faultsOf({ fresh, readings, rested, stderr, rows, countedRows }: Run): string[] {
  const faults: string[] = [];
  for (const kind of ["rssMb", "heapMb"] as const) {
    const before = floor(quarter(readings, 1), kind);
    const after = floor(quarter(readings, 3), kind);
    if (after - before > Math.max(before * MAX_GROWTH_SHARE, MAX_GROWTH_MB))
      faults.push(`${kind} grew from ${before} to ${after} after the warm-up`);
  }
  for (const kind of ["openFiles", "timers"] as const) {
    if (rested[kind] > fresh[kind]) faults.push(`${kind}: ${fresh[kind]} before, ${rested[kind]} after`);
  }
  for (const kind of ["inFlight", "streams"] as const) {
    if (rested[kind] !== 0) faults.push(`${kind} is ${rested[kind]} after`);
  }
  if (rows !== countedRows) faults.push(`${countedRows} rows were counted and ${rows} written`);
  if (/Warning|internal_error|request failed/.test(stderr))
    faults.push("stderr has warnings or faults of ours");
  return faults;
}

const quarter = (readings: readonly Reading[], n: number): readonly Reading[] => {
  const size = readings.length / 4;
  return readings.slice(Math.floor(n * size), Math.ceil((n + 1) * size));
};

/** The least of them: what is left when the garbage has been collected. */
const floor = (readings: readonly Reading[], kind: "rssMb" | "heapMb"): number =>
  Math.min(...readings.map((reading) => reading[kind]));
