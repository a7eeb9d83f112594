/** Reads and replaces a snapshot file whole, in slices that leave the event loop to the relay. */

import { randomInt } from "node:crypto";
import { type FileHandle, link, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DenySet } from "../../../src/deny/deny-set.ts";
import {
  createLogReader,
  formatLogEntry,
  formatLogHeader,
  type LogPosition,
  type LogSummary,
} from "../../../src/deny/log-format.ts";
import { codeOf } from "../errors.ts";

/** About 3,000 lines, parsed in a few milliseconds. */
const READ_BYTES = 256 * 1024;

const WRITE_LINES = 2_000;

export interface Snapshot {
  readonly set: DenySet;
  readonly summary: LogSummary;
}

/**
 * The file's contents as a set of their own, so that a bad file leaves the one in use alone.
 *
 * @throws LogFormatError for a file that is not in the format; the file system's error (`ENOENT`, …) otherwise
 */
export async function readSnapshot(path: string, now: () => number): Promise<Snapshot> {
  const file = await open(path, "r");
  try {
    const set = new DenySet(now);
    const reader = createLogReader(({ id, deny }) => {
      if (deny === undefined) set.delete(id);
      else set.set(id, deny);
    });
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return { set, summary: reader.end() };
      reader.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/**
 * Writes `set` to a file beside `path`, syncs it, renames it over `path` and syncs the directory: a reader and a crash
 * see the old file or the new one. The handle returned appends to the new file.
 */
export async function replaceSnapshot(
  path: string,
  set: DenySet,
  position: LogPosition,
): Promise<FileHandle> {
  const temporary = temporaryFor(path, process.pid);
  // Not "a" with a truncation: what an earlier process of this id left must not be appended to.
  await rm(temporary, { force: true });
  const file = await open(temporary, "ax");
  try {
    let lines = [formatLogHeader(position)];
    for (const [id, deny] of set.entries()) {
      lines.push(formatLogEntry({ id, deny }));
      if (lines.length < WRITE_LINES) continue;
      await file.appendFile(lines.join(""));
      lines = [];
    }
    await file.appendFile(lines.join(""));
    await file.sync();
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return file;
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Creates an empty one, with its header from the first moment on. Leaves alone what somebody else has created meanwhile. */
export async function createSnapshot(path: string): Promise<void> {
  const temporary = temporaryFor(path, randomInt(2 ** 47));
  try {
    await writeFile(temporary, formatLogHeader({ stream: undefined, revision: 0 }), { flag: "wx" });
    await link(temporary, path);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** `removeTemporaries` knows them by this. */
const temporaryFor = (path: string, id: number): string => `${path}.${id}.tmp`;

/** Removes what processes that were killed while they wrote left beside the file. */
export async function removeTemporaries(path: string): Promise<void> {
  const directory = dirname(path);
  for (const name of await readdir(directory)) {
    if (name.startsWith(`${basename(path)}.`) && /\.\d+\.tmp$/.test(name)) {
      await rm(join(directory, name), { force: true });
    }
  }
}

/** Makes a rename survive a power cut, on the systems that let a directory be synced. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error; // Windows refuses it
  } finally {
    await directory.close();
  }
}
