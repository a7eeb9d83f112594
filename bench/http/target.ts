/** What a benchmark measures: a program between the load and the provider, on a port of its own. */
import { type Child, START_TIMEOUT_MS, startChild } from "./child.ts";
import type { Processes } from "./process-group.ts";

export interface Target {
  /** As it stands in the tables: "gateway, Node 24.21.0". */
  readonly name: string;
  readonly role: Role;
  /** "node", "bun", "workers", or "node 26.10.0" where several are compared: a gateway is held against the bare proxy of the same. */
  readonly runtime: string;
  start(place: Place): Promise<RunningTarget>;
}

/** `bare`: what a gateway on the same runtime is held against. `other`: shown beside, held against nothing. */
export type Role = "direct" | "nginx" | "tuned nginx" | "bare" | "gateway" | "other";

export interface Place {
  readonly providerPort: number;
  /** A folder of its own for each start. */
  readonly folder: string;
}

export interface RunningTarget {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Its processes; none where nothing stands between. */
  readonly processes: Processes;
  /** When its process was started, on the clock of `performance.now()`. */
  readonly startedAt: number;
  stop(): Promise<void>;
  /** What it wrote about its requests, whole once it has stopped. Gateways only. */
  readonly rowsFile?: string;
}

/** Where every target takes its requests. */
export const PATH = "/v1/chat/completions";

/** A proxy that needs no credential gets one all the same, as long as a virtual key: the same bytes on every wire. */
export const BYO_HEADERS = {
  authorization: `Bearer sk-${"b".repeat(125)}`,
  "content-type": "application/json",
};

/** Waits until the child is `ready`, which gives its origin; stops it where that fails. */
export async function runningTarget(
  child: Child,
  ready: Promise<string>,
  more: {
    readonly headers?: RunningTarget["headers"];
    readonly rowsFile?: string;
    readonly command?: string;
  } = {},
): Promise<RunningTarget> {
  const { headers = BYO_HEADERS, rowsFile, command } = more;
  const { group, startedAt, stop } = child;
  const processes = { group, ...(command !== undefined && { command }) };
  try {
    return {
      origin: await ready,
      headers,
      processes,
      startedAt,
      stop,
      ...(rowsFile !== undefined && { rowsFile }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The command of its group that CPU and memory are counted of, where another one only starts it. */
  readonly counted?: string;
}

/** A program that prints its port on stdout when it is ready. */
export function startPrintingPort(
  command: readonly string[],
  { env = {}, counted }: StartOptions = {},
): Promise<RunningTarget> {
  const child = startChild({ command, env, lines: "stdout" });
  const ready = child.line(originOfPort, START_TIMEOUT_MS);
  return runningTarget(child, ready, counted === undefined ? {} : { command: counted });
}

const originOfPort = (line: string): string | undefined =>
  /^\d+$/.test(line) ? `http://127.0.0.1:${line}` : undefined;
