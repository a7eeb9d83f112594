/** Keeps the end of a program's output in memory, and all of it in a file once it outgrows that. */
import { closeSync, mkdtempSync, openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { maxOutputBytes, maxOutputLines } from "./limits.ts";

interface OutputTail {
  push(chunk: Buffer): void;
  /** The last bytes so far, for a progress snapshot. */
  snapshot(maxBytes: number): string;
  /** The end of the output as text; with a note that names the file when something was left out. */
  finish(): string;
}

/** Larger outputs are not worth a disk: a program that prints for ever is cut off here, in the file alone. */
const maxFileBytes = 1024 * 1024 * 1024;

export function createOutputTail(): OutputTail {
  let chunks: Buffer[] = [];
  let held = 0;
  let total = 0;
  let file: { fd: number; path: string } | undefined;

  function openFile(): { fd: number; path: string } {
    const path = join(mkdtempSync(join(tmpdir(), "beyond-ai-agent-")), "output.txt");
    const opened = { path, fd: openSync(path, "wx", 0o600) };
    for (const chunk of chunks) writeSync(opened.fd, chunk);
    return opened;
  }

  /** Twice the limit is held before the first half is given up, so that a chunk is copied once at most. */
  function trim(): void {
    if (held <= 2 * maxOutputBytes) return;
    const tail = Buffer.from(Buffer.concat(chunks).subarray(-maxOutputBytes));
    chunks = [tail];
    held = tail.length;
  }

  return {
    push(chunk) {
      total += chunk.length;
      if (file && total <= maxFileBytes) writeSync(file.fd, chunk);
      chunks.push(chunk);
      held += chunk.length;
      if (!file && total > maxOutputBytes) file = openFile();
      trim();
    },
    snapshot: (maxBytes) => toText(Buffer.concat(chunks).subarray(-maxBytes)),
    finish() {
      const bytes = Buffer.concat(chunks).subarray(-maxOutputBytes);
      const whole = toText(bytes).replace(/\n$/, "");
      const lines = whole.split("\n");
      const fits = total <= maxOutputBytes && lines.length <= maxOutputLines;
      if (!fits) file ??= openFile();
      if (file) closeSync(file.fd);
      if (fits || !file) return whole;
      const shown = lines.slice(-maxOutputLines).join("\n");
      return `[showing the end of ${total} bytes of output; the full output is in ${file.path}]\n${shown}`;
    },
  };
}

/** Lossy on purpose: a model reads text, so colours, NULs and bytes that are not UTF-8 are taken out. */
function toText(bytes: Uint8Array): string {
  const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  const text = new TextDecoder().decode(bytes.subarray(Math.max(0, start)));
  return stripVTControlCharacters(text)
    .replaceAll("\r\n", "\n")
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
}
