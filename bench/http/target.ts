/** What a benchmark measures: a program between the load and the provider, on a port of its own. */
import { type Child, START_TIMEOUT_MS, startChild } from "./child.ts";

export interface Target {
  /** As it stands in the tables: "gateway, Node 24.21.0". */
  readonly name: string;
  readonly role: "direct" | "nginx" | "tuned nginx" | "bare" | "gateway" | "portkey";
  /** "node", "bun", "workers", or "node 26.10.0" where several are compared: a gateway is held against the bare proxy of the same. */
  readonly runtime: string;
  start(place: Place): Promise<RunningTarget>;
}

export interface Place {
  readonly providerPort: number;
  /** A folder of its own for each start. */
  readonly folder: string;
}

export interface RunningTarget {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Its process group; 0 where nothing stands between. */
  readonly group: number;
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
  more: { readonly headers?: RunningTarget["headers"]; readonly rowsFile?: string } = {},
): Promise<RunningTarget> {
  const { group, startedAt, stop } = child;
  try {
    return { origin: await ready, headers: BYO_HEADERS, group, startedAt, stop, ...more };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A program that prints its port on stdout when it is ready. */
export function startPrintingPort(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningTarget> {
  const child = startChild({ command, env, lines: "stdout" });
  return runningTarget(child, child.line(originOfPort, START_TIMEOUT_MS));
}

const originOfPort = (line: string): string | undefined =>
  /^\d+$/.test(line) ? `http://127.0.0.1:${line}` : undefined;
