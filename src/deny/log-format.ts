/**
 * The snapshot file: JSONL that a person can read with `cat`. A header line, then one line a change; the last
 * line of a key wins. A writer that dies mid-line leaves an unterminated last line, which readers drop.
 */

import { type Deny, type DenyId, denyToJson, formatDenyKey, parseDenyJson, parseDenyKey } from "./entry.ts";

const FORMAT = "beyond-ai-deny/1";

/** A line is a key, a value of at most 4 KiB, and little else. */
const MAX_LINE_CHARS = 65_536;

const EMPTY = new Uint8Array(0);

/** Which stream the file follows (its `created`), and up to which revision; a file kept by hand has neither. */
export interface LogPosition {
  readonly stream: string | undefined;
  readonly revision: number;
}

/** One line after the header: a deny, or the removal of one. */
export interface LogEntry {
  readonly id: DenyId;
  readonly deny: Deny | undefined;
  readonly revision?: number;
}

/** What a whole file said besides its entries. */
export interface LogSummary extends LogPosition {
  /** Lines after the header. */
  readonly lines: number;
  /** Well-formed lines whose key is no deny-set key. */
  readonly foreignKeys: number;
  /** The file ended in the middle of a line, which was dropped. */
  readonly torn: boolean;
}

/** A file that is not in the format. The message names the line and holds none of its text. */
export class LogFormatError extends Error {
  readonly line: number;
  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.name = "LogFormatError";
    this.line = line;
  }
}

export function formatLogHeader(position: LogPosition): string {
  const { stream, revision } = position;
  return `${JSON.stringify({ format: FORMAT, revision, ...(stream !== undefined && { stream }) })}\n`;
}

export function formatLogEntry({ id, deny, revision }: LogEntry): string {
  const change = deny === undefined ? { deleted: true } : { value: denyToJson(deny) };
  const line = { key: formatDenyKey(id), ...change, ...(revision !== undefined && { revision }) };
  return `${JSON.stringify(line)}\n`;
}

/** Reads a file that comes in chunks, cut anywhere. */
export interface LogReader {
  /** @throws LogFormatError */
  push(chunk: Uint8Array): void;
  /** @throws LogFormatError when the file has no header */
  end(): LogSummary;
}

/** @param onEntry each entry in file order; worth keeping only once `end` has returned */
export function createLogReader(onEntry: (entry: LogEntry) => void): LogReader {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest: Uint8Array = EMPTY;
  let lineNumber = 0;
  let stream: string | undefined;
  let revision = 0;
  let foreignKeys = 0;

  const readLine = (text: string): void => {
    lineNumber++;
    if (text.length > MAX_LINE_CHARS) throw new LogFormatError(lineNumber, "too long");
    const line = parseObject(text, lineNumber);
    if (lineNumber === 1) {
      if (line.format !== FORMAT) throw new LogFormatError(1, `the header's format is not ${FORMAT}`);
      revision = parseRevision(line.revision, 1) ?? 0;
      stream = typeof line.stream === "string" ? line.stream : undefined;
      return;
    }
    const entry = parseEntry(line, lineNumber);
    revision = Math.max(revision, entry.revision ?? 0);
    if (entry.id === undefined) foreignKeys++;
    else onEntry({ ...entry, id: entry.id });
  };

  return {
    push(chunk) {
      const end = chunk.lastIndexOf(0x0a) + 1;
      if (end > 0) {
        const lines = decode(decoder, concat(rest, chunk.subarray(0, end)), lineNumber + 1).split("\n");
        for (let i = 0; i < lines.length - 1; i++) readLine(lines[i]!);
        rest = EMPTY;
      }
      rest = concat(rest, chunk.subarray(end));
      // No line that `readLine` takes has more bytes than this, so the verdict does not hang on where chunks are cut.
      if (rest.length > MAX_LINE_CHARS * 4) throw new LogFormatError(lineNumber + 1, "too long");
    },
    end() {
      if (lineNumber === 0) throw new LogFormatError(1, "there is no header line");
      return { stream, revision, lines: lineNumber - 1, foreignKeys, torn: rest.length > 0 };
    },
  };
}

function decode(decoder: TextDecoder, bytes: Uint8Array, line: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new LogFormatError(line, "not UTF-8, here or shortly after");
  }
}

function parseObject(text: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LogFormatError(line, "not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new LogFormatError(line, "not a JSON object");
  }
  return value as Record<string, unknown>; // an object that JSON.parse made
}

function parseEntry(line: Record<string, unknown>, number: number) {
  const { key, value, deleted } = line;
  if (typeof key !== "string") throw new LogFormatError(number, "no key");
  const isDelete = deleted === true;
  if (isDelete === (value !== undefined) || (deleted !== undefined && !isDelete)) {
    throw new LogFormatError(number, 'neither one value nor "deleted": true');
  }
  const revision = parseRevision(line.revision, number);
  return {
    id: parseDenyKey(key),
    deny: isDelete ? undefined : parseDenyJson(value),
    ...(revision !== undefined && { revision }),
  };
}

function parseRevision(value: unknown, line: number): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number; // isSafeInteger is no type guard
  throw new LogFormatError(line, "the revision is no count");
}

function concat(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}
