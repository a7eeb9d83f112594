/** `beyond-ai deny` on a snapshot file that is the source: lines are appended, and nothing else in it changes. */

import { constants, open } from "node:fs/promises";
import { formatLogEntry, type LogEntry } from "../../../src/deny/log-format.ts";
import { CliError } from "../cli/conventions.ts";
import { isMissing, messageOf } from "../errors.ts";
import type { DenyTarget } from "./cli-target.ts";
import { createSnapshot, readSnapshot, type Snapshot } from "./snapshot-file.ts";

export function snapshotTarget(path: string): DenyTarget {
  const read = async (): Promise<Snapshot | undefined> => {
    try {
      return await readSnapshot(path, Date.now);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new CliError(`--snapshot: ${path} cannot be used: ${messageOf(error)}`);
    }
  };
  const refuse = (error: unknown): never => {
    throw new CliError(`--snapshot: ${path} cannot be written: ${messageOf(error)}`);
  };
  const append = async (entry: LogEntry): Promise<void> => {
    // Not "a+", which would create a file without a header.
    const file = await open(path, constants.O_RDWR | constants.O_APPEND).catch(refuse);
    try {
      const { size } = await file.stat();
      const whole = await endOfLastLine(file, size);
      // Readers drop an unfinished last line. What is appended to it would be dropped with it.
      if (whole < size) await file.truncate(whole);
      await file.appendFile(formatLogEntry(entry));
      await file.sync();
    } finally {
      await file.close();
    }
  };

  return {
    async list() {
      const snapshot = await read();
      if (snapshot === undefined) throw new CliError(`--snapshot: there is no file ${path}`);
      return Array.from(snapshot.set.entries(), ([id, deny]) => ({ id, deny }));
    },
    async add(id, deny) {
      const snapshot = await read(); // throws for a bad file, which must not grow
      if (snapshot === undefined) await createSnapshot(path).catch(refuse);
      await append({ id, deny });
    },
    async remove(id) {
      const snapshot = await read();
      if (snapshot?.set.get(id) === undefined) return false;
      await append({ id, deny: undefined });
      return true;
    },
  };
}

/** The offset after the file's last newline; 0 when it has none. */
async function endOfLastLine(file: Awaited<ReturnType<typeof open>>, size: number): Promise<number> {
  const buffer = new Uint8Array(65_536);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - buffer.length);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (newline !== -1) return start + newline + 1;
    end = start;
  }
  return 0;
}
