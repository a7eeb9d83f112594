/** All of a long output, in a temporary file that only the user can read. */
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../../src/agent/errors.ts";
import { errorCode } from "./paths.ts";

/** No method throws: a file that cannot be made or written is given up, and the note says so. */
export interface OutputFile {
  append(chunk: Buffer): void;
  /** Closes the file. Gives a note on where the output is, or why it is not there. */
  close(): string;
}

/** Larger outputs are not worth a disk: of a program that prints for ever, the file keeps the beginning. */
const maxBytes = 1024 * 1024 * 1024;

export function createOutputFile(): OutputFile {
  let folder: string | undefined;
  let fd: number | undefined;
  let path = "";
  let problem: string | undefined;
  let bytes = 0;
  let isCut = false;

  function attempt(work: () => void): void {
    if (problem !== undefined) return;
    try {
      work();
    } catch (thrown) {
      problem = errorCode(thrown) ?? messageOf(thrown);
      discard();
    }
  }

  function release(): void {
    const open = fd;
    fd = undefined;
    if (open !== undefined) closeSync(open);
  }

  /** Half a file would be taken for the whole, and a full disk needs the room. */
  function discard(): void {
    try {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      release();
    } catch {
      // What is left behind is in the temporary folder, and no note names it.
    }
  }

  attempt(() => {
    folder = mkdtempSync(join(tmpdir(), "beyond-ai-agent-"));
    path = join(folder, "output.txt");
    fd = openSync(path, "wx", 0o600);
  });

  return {
    append(chunk) {
      attempt(() => {
        isCut ||= bytes + chunk.length > maxBytes;
        if (isCut || fd === undefined) return;
        appendFileSync(fd, chunk);
        bytes += chunk.length;
      });
    },
    close() {
      attempt(release);
      if (problem !== undefined) return `the full output could not be kept (${problem})`;
      return isCut ? `its first ${bytes} bytes are in ${path}` : `the full output is in ${path}`;
    },
  };
}
