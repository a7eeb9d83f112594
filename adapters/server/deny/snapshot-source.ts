/** The snapshot file as the source: watched, and loaded again whenever it changes. */

import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { DenySet } from "../../../src/deny/deny-set.ts";
import { LogFormatError } from "../../../src/deny/log-format.ts";
import type { Log } from "../../../src/gateway/ports.ts";
import { isMissing, messageOf } from "../errors.ts";
import { readSnapshot } from "./snapshot-file.ts";

/**
 * Asked by `stat`, which sees renames, symlink swaps and network file systems where `fs.watch` does not. A change is
 * loaded once it has stood still for one interval, so that a file written in place is not read half; the whole
 * takes 300 ms of the second that an edit has.
 */
const POLL_MS = 150;

/** A file that keeps changing is loaded all the same after this many intervals. */
const MAX_UNSETTLED = 3;

export interface SnapshotSourceOptions {
  readonly path: string;
  /** Follows the file. Keeps the last good contents while the file is bad or missing. */
  readonly set: DenySet;
  readonly now: () => number;
  readonly log: Log;
  /** The set has other contents. */
  readonly onLoaded: () => void;
}

export interface SnapshotSource {
  /** Loads the file once, then watches it until closed. */
  start(): Promise<void>;
  close(): Promise<void>;
  /** False while the file cannot be used. */
  usable(): boolean;
}

export function createSnapshotSource({
  path,
  set,
  now,
  log,
  onLoaded,
}: SnapshotSourceOptions): SnapshotSource {
  const closing = new AbortController();
  let watching: Promise<void> | undefined;
  let loadedVersion: string | undefined;
  let problem: string | undefined;

  const load = async (version: string): Promise<void> => {
    loadedVersion = version;
    try {
      const { set: found, summary } = await readSnapshot(path, now);
      set.adopt(found);
      problem = undefined;
      onLoaded();
      log("info", "deny snapshot loaded", { path, entries: set.size });
      if (summary.foreignKeys > 0) {
        log("warn", "deny snapshot has keys that deny nobody", { path, keys: summary.foreignKeys });
      }
      if (summary.torn) log("warn", "deny snapshot ends in an unfinished line, which is ignored", { path });
    } catch (error) {
      const message = isMissing(error) ? "there is no such file" : messageOf(error);
      if (message !== problem) {
        log("error", "deny snapshot unusable, the last good set stays", {
          path,
          error: message,
          entries: set.size,
        });
      }
      problem = message;
      if (mayPass(error)) loadedVersion = undefined; // the next poll tries again
    }
  };

  const watch = async (): Promise<void> => {
    let seen = loadedVersion;
    let unsettled = 0;
    while (!closing.signal.aborted) {
      await sleep(POLL_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      const version = await versionOf(path);
      unsettled = version === seen ? 0 : unsettled + 1;
      seen = version;
      if (closing.signal.aborted || version === loadedVersion) continue;
      if (unsettled === 0 || unsettled >= MAX_UNSETTLED) await load(version);
    }
  };

  return {
    async start() {
      await load(await versionOf(path));
      watching = watch();
    },
    async close() {
      closing.abort();
      await watching;
    },
    usable: () => problem === undefined,
  };
}

/** Not the file's fault, as when there are too many open ones: it may be read without a change to it. */
const mayPass = (error: unknown): boolean => !(error instanceof LogFormatError) && !isMissing(error);

/** Changes with every write, replacement, removal and return of the file. */
async function versionOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join("/");
  } catch {
    return "missing";
  }
}
