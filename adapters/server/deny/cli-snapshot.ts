/** `beyond-ai deny` on a snapshot file that is the source: lines are appended, and nothing else in it changes. */

import { open } from "node:fs/promises";
import { formatLogEntry, formatLogHeader, type LogEntry } from "../../../src/deny/log-format.ts";
import { CliError } from "../cli/conventions.ts";
import { isMissing, messageOf } from "../errors.ts";
import type { DenyTarget } from "./cli-target.ts";
import { readSnapshot, type Snapshot } from "./snapshot-file.ts";

export function snapshotTarget(path: string): DenyTarget {
  const read = async (): Promise<Snapshot | undefined> => {
    try {
      return await readSnapshot(path, Date.now);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new CliError(`--snapshot: ${path} cannot be used: ${messageOf(error)}`);
    }
  };
  const append = async (entry: LogEntry): Promise<void> => {
    const file = await open(path, "a+").catch((error: unknown) => {
      throw new CliError(`--snapshot: ${path} cannot be written: ${messageOf(error)}`);
    });
    try {
      const { size } = await file.stat();
      const whole = await endOfLastLine(file, size);
      // Readers drop an unfinished last line. What is appended to it would be dropped with it.
      if (whole < size) await file.truncate(whole);
      const header = whole === 0 ? formatLogHeader({ stream: undefined, revision: 0 }) : "";
      await file.appendFile(header + formatLogEntry(entry));
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
      await read(); // throws for a bad file, which must not grow
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
