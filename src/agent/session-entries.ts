/** The session file: one JSON line an entry, append-only. Reading and writing it, as pure functions. */
import { asString, isObject, type JsonObject, parseJson } from "./json.ts";
import type { Block, Message, Usage } from "./types.ts";
import { count } from "./usage.ts";

export const sessionVersion = 1;

export interface SessionHeader {
  readonly type: "session";
  readonly version: number;
  readonly id: string;
  /** RFC 3339. */
  readonly created_at: string;
  readonly cwd: string;
  readonly model: string;
  readonly title: string | null;
  /** The session that this one was forked from. */
  readonly parent: string | null;
}

interface EntryBase {
  readonly id: string;
  /** The entry before, or null for the first. */
  readonly parent_id: string | null;
  /** RFC 3339. */
  readonly timestamp: string;
}

export interface MessageEntry extends EntryBase {
  readonly type: "message";
  readonly role: Message["role"];
  readonly content: readonly Block[];
  readonly model_id?: string;
  /** What the model call that wrote this message cost. */
  readonly usage?: Usage;
}

export interface CompactionEntry extends EntryBase {
  readonly type: "compaction";
  readonly summary: string;
  /** The first message that stayed; null when none did. */
  readonly first_kept_id: string | null;
  readonly tokens_before: number;
  readonly tokens_after: number;
  /** What writing the summary cost. */
  readonly usage?: Usage;
}

interface ModelChangeEntry extends EntryBase {
  readonly type: "model_change";
  readonly model: string;
}

interface TitleChangeEntry extends EntryBase {
  readonly type: "title_change";
  readonly title: string;
}

export type SessionEntry = MessageEntry | CompactionEntry | ModelChangeEntry | TitleChangeEntry;

/** A session file as it was read. */
export interface SessionFile {
  readonly header: SessionHeader;
  readonly entries: readonly SessionEntry[];
}

/** A session file that cannot be used; `message` says why and where. */
export class SessionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SessionError";
  }
}

export function formatLine(entry: SessionHeader | SessionEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * Reads a session file; undefined when not even its header was written whole. A torn last line is dropped.
 * Throws `SessionError` for a newer version, and for a line that is damaged in the middle of the file.
 */
export function parseSession(text: string): SessionFile | undefined {
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  // A last line that lost nothing but its line feed is whole.
  if (isWholeLine(last)) lines.push(last);
  const [first, ...rest] = lines;
  if (first === undefined) {
    if (isTornHeader(last)) return undefined;
    throw new SessionError("not a session file");
  }
  const header = readHeader(parseJson(first));
  const entries = rest.flatMap((line, index) => (line.trim() === "" ? [] : [readEntry(line, index + 2)]));
  return { header, entries: entries.filter((entry) => entry !== undefined) };
}

/** A JSON object that was cut anywhere does not parse, so a line that parses is whole. */
export function isWholeLine(line: string): boolean {
  return isObject(parseJson(line));
}

const headerStart = '{"type":"session"';

/** Anything else without a line feed is some other file, and must not be overwritten. */
function isTornHeader(text: string): boolean {
  return text.startsWith(headerStart) || headerStart.startsWith(text);
}

function readHeader(value: unknown): SessionHeader {
  if (!isObject(value) || value.type !== "session" || !asString(value.id)) {
    throw new SessionError("not a session file: line 1 is no session header");
  }
  const version = count(value.version) ?? 0;
  if (version > sessionVersion) {
    throw new SessionError(
      `this session is of version ${version}; this program reads up to ${sessionVersion}: update beyond-ai`,
    );
  }
  if (version !== sessionVersion)
    throw new SessionError("not a session file: its header has no known version");
  return {
    type: "session",
    version,
    id: String(value.id),
    created_at: asString(value.created_at) ?? "",
    cwd: asString(value.cwd) ?? "",
    model: asString(value.model) ?? "",
    title: asString(value.title) ?? null,
    parent: asString(value.parent) ?? null,
  };
}

const entryTypes = new Set(["message", "compaction", "model_change", "title_change"]);

/** Undefined for an unknown type: later programs may add entries that this one can do without. */
function readEntry(line: string, number: number): SessionEntry | undefined {
  const value = parseJson(line);
  if (!isObject(value)) throw new SessionError(`damaged session file: line ${number} is not a JSON object`);
  if (!entryTypes.has(asString(value.type) ?? "")) return undefined;
  if (!isSound(value)) throw new SessionError(`damaged session file: line ${number} lacks a member`);
  // Justified: `isSound` has checked the members that the fold relies on.
  return value as unknown as SessionEntry;
}

function isSound(value: JsonObject): boolean {
  if (typeof value.id !== "string") return false;
  switch (value.type) {
    case "message":
      return (
        (value.role === "user" || value.role === "assistant") &&
        Array.isArray(value.content) &&
        value.content.every(isObject)
      );
    case "compaction":
      return typeof value.summary === "string";
    case "model_change":
      return typeof value.model === "string";
    default:
      return typeof value.title === "string";
  }
}
