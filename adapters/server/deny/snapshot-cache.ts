/**
 * The snapshot file beside NATS: what a restart enforces before NATS answers. Changes are appended as they come and
 * synced batch by batch; now and then the whole file is replaced by the set as it stands.
 */

import { type FileHandle, open, stat } from "node:fs/promises";
import type { DenySet } from "../../../src/deny/deny-set.ts";
import { formatLogEntry, type LogEntry, type LogPosition } from "../../../src/deny/log-format.ts";
import type { Log } from "../../../src/gateway/ports.ts";
import { isMissing, messageOf } from "../errors.ts";
import { readSnapshot, removeTemporaries, replaceSnapshot } from "./snapshot-file.ts";

/** Changes queued for a slow disk; beyond this the whole file is replaced instead. */
const MAX_QUEUED = 100_000;

/** Outdated lines that even a small file may hold before it is replaced. */
const SLACK_LINES = 1_000;

const BATCH_LINES = 2_000;

export interface SnapshotCacheOptions {
  readonly path: string;
  /** The live set, which the file follows. */
  readonly set: DenySet;
  readonly now: () => number;
  /** What the set reflects when the file is replaced. */
  readonly position: () => LogPosition;
  readonly log: Log;
}

/** The writer of one snapshot file. No other process may write it. */
export class SnapshotCache {
  readonly #options: SnapshotCacheOptions;
  #file: FileHandle | undefined;
  #queue: LogEntry[] = [];
  #lines = 0;
  #mustReplace = true;
  #failing = false;
  #writing: Promise<void> | undefined;

  constructor(options: SnapshotCacheOptions) {
    this.#options = options;
  }

  /**
   * Fills the set from the file and returns its position; undefined when there is no usable file, which is then
   * written anew. Never rejects.
   */
  async load(): Promise<LogPosition | undefined> {
    const { path, set, now, log } = this.#options;
    await removeTemporaries(path).catch(() => undefined); // no directory yet: the first write says so
    try {
      const { set: found, summary } = await readSnapshot(path, now);
      set.adopt(found);
      log("info", "deny snapshot loaded", { path, entries: set.size, revision: summary.revision });
      // What follows a torn line would become part of it.
      // One that cannot be appended to is replaced, and if that fails too, the log says why.
      if (!summary.torn) await this.#appendTo(path, summary.lines).catch(() => undefined);
      return summary;
    } catch (error) {
      if (!isMissing(error))
        log("warn", "deny snapshot unusable, to be rebuilt", { path, error: messageOf(error) });
      return undefined;
    }
  }

  /** Takes one change of the set; it is on disk once a later `flush` resolves. */
  append(entry: LogEntry): void {
    if (this.#queue.length >= MAX_QUEUED) this.#mustReplace = true;
    if (this.#mustReplace) this.#queue.length = 0;
    else this.#queue.push(entry);
    this.#write();
  }

  /** Asks for the whole file to be replaced. */
  replace(): void {
    this.#mustReplace = true;
    this.#write();
  }

  /** Looks after a file that was deleted or replaced while there was nothing to write. */
  check(): void {
    this.#write();
  }

  /** Resolves once every change taken so far is on disk, or the disk has refused it. */
  async flush(): Promise<boolean> {
    await this.#write();
    return !this.#failing;
  }

  async close(): Promise<void> {
    if (this.#mustReplace || this.#queue.length > 0) await this.flush();
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  /** One writer at a time; a change that comes while it works is its next batch. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeAll();
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    const { path, log } = this.#options;
    try {
      // In the next turn of the event loop, so that a burst of changes shares one sync.
      await new Promise(setImmediate);
      // Asked after every write too: what went to a file that has lost its name meanwhile is not on disk.
      while ((await this.#isGone()) || this.#mustReplace || this.#queue.length > 0) {
        if (this.#mustReplace || this.#lines > 2 * this.#options.set.size + SLACK_LINES)
          await this.#replaceFile();
        else await this.#appendBatch();
      }
      if (this.#failing) log("info", "deny snapshot written again", { path });
      this.#failing = false;
    } catch (error) {
      // A line may have been half written: only a new file is sound. The next change tries again.
      this.#mustReplace = true;
      if (!this.#failing) log("error", "deny snapshot cannot be written", { path, error: messageOf(error) });
      this.#failing = true;
    } finally {
      // In the same step as the last check, or a change made in between would be picked up by nobody.
      this.#writing = undefined;
    }
  }

  async #appendBatch(): Promise<void> {
    const batch = this.#queue.splice(0, BATCH_LINES);
    await this.#file?.appendFile(batch.map(formatLogEntry).join(""));
    await this.#file?.datasync();
    this.#lines += batch.length;
  }

  async #replaceFile(): Promise<void> {
    const { path, set, position } = this.#options;
    // In one synchronous step: the copy holds every change so far, and the queue every later one.
    const copy = set.clone();
    const at = position();
    this.#queue.length = 0;
    this.#mustReplace = false;
    const previous = this.#file;
    this.#file = await replaceSnapshot(path, copy, at);
    this.#lines = copy.size;
    await previous?.close();
  }

  async #appendTo(path: string, lines: number): Promise<void> {
    this.#file = await open(path, "a");
    this.#lines = lines;
    this.#mustReplace = false;
  }

  /** Has the path come to name another file, or none? Then the file must be replaced. */
  async #isGone(): Promise<boolean> {
    const held = await this.#file?.stat();
    const named = await stat(this.#options.path).catch(() => undefined);
    this.#mustReplace ||= held === undefined || held.ino !== named?.ino || held.dev !== named.dev;
    return this.#mustReplace;
  }
}
