/** Keeps the end of a program's output in memory, and all of it in a file once it is longer than that. */
import { stripVTControlCharacters } from "node:util";
import { maxOutputBytes, maxOutputLines } from "./limits.ts";
import { createOutputFile, type OutputFile } from "./output-file.ts";

interface OutputTail {
  push(chunk: Buffer): void;
  /** The last bytes so far, for a progress snapshot. */
  snapshot(maxBytes: number): string;
  /** The end of the output as text; when something was left out, a note says where all of it is. */
  finish(): string;
}

export function createOutputTail(): OutputTail {
  let chunks: Buffer[] = [];
  let held = 0;
  let total = 0;
  let file: OutputFile | undefined;

  /** Called before anything is given up, so that the file begins where the output does. */
  function startFile(): OutputFile {
    const started = createOutputFile();
    for (const chunk of chunks) started.append(chunk);
    return started;
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
      chunks.push(chunk);
      held += chunk.length;
      if (file) file.append(chunk);
      else if (total > maxOutputBytes) file = startFile();
      trim();
    },
    snapshot: (maxBytes) => toText(Buffer.concat(chunks).subarray(-maxBytes)),
    finish() {
      const bytes = Buffer.concat(chunks).subarray(-maxOutputBytes);
      const whole = toText(bytes).replace(/\n$/, "");
      const lines = whole.split("\n");
      if (total <= maxOutputBytes && lines.length <= maxOutputLines) return whole;
      file ??= startFile();
      const shown = lines.slice(-maxOutputLines).join("\n");
      return `[showing the end of ${total} bytes of output; ${file.close()}]\n${shown}`;
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
