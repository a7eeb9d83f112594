/** Sessions as files: where they are, how they are opened, and how lines are appended. */
import { type FileHandle, open, readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import {
  createSession,
  openSession,
  parseSession,
  type Session,
  type SessionEntry,
  SessionError,
  type SessionFile,
  type SessionHeader,
  type SessionStore,
} from "../../../src/agent/index.ts";
import { isWholeLine } from "../../../src/agent/session-entries.ts";
import { makeFolder } from "./tools/make-folder.ts";
import { errorCode } from "./tools/paths.ts";

/** `AI_AGENT_SESSION_DIR`, else below the user's state folder. */
export function defaultSessionFolder(env: NodeJS.ProcessEnv): string {
  const state = env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  return env.AI_AGENT_SESSION_DIR || join(state, "beyond-ai", "sessions");
}

export function sessionPath(folder: string, header: SessionHeader): string {
  return join(folder, `${header.created_at.replaceAll(":", "-")}_${header.id}.jsonl`);
}

/** Starts a session file. What the path held is cut away; that should be nothing, or a torn header. */
export async function createSessionFile(
  path: string,
  header: SessionHeader,
  entries: readonly SessionEntry[] = [],
): Promise<Session> {
  await makeFolder(dirname(resolve(path)), 0o700);
  return withStore(path, { length: 0, cutsRest: true }, (store) => createSession(header, store, entries));
}

/**
 * Goes on with a session file; undefined when there is none, or when it died before its first line was whole.
 * Throws `SessionError` for one that cannot be used, and leaves it as it is.
 */
export async function openSessionFile(path: string): Promise<Session | undefined> {
  const bytes = await readBytes(path);
  const file = bytes && parseNamed(path, bytes.toString("utf8"));
  if (!bytes || !file) return undefined;
  const end = bytes.lastIndexOf("\n") + 1;
  const torn = bytes.subarray(end).toString("utf8");
  const lacksLineFeed = isWholeLine(torn);
  const isTorn = torn !== "" && !lacksLineFeed;
  return withStore(path, { length: isTorn ? end : bytes.length, cutsRest: isTorn }, async (store) => {
    if (lacksLineFeed) await store.append("\n");
    return openSession(file.header, file.entries, store);
  });
}

export interface SessionSummary {
  readonly session_id: string;
  readonly path: string;
  readonly created_at: string;
  readonly cwd: string;
  readonly model: string;
  readonly title: string | null;
  readonly messages: number;
}

/**
 * The usable session files of a folder, the last used first. One is read at a time, when it is asked for: a folder may
 * hold more than there are file descriptors or memory for.
 */
export async function* sessionFiles(folder: string): AsyncGenerator<SessionSummary> {
  for (const path of await pathsByUse(folder)) {
    const summary = await summarise(path);
    if (summary) yield summary;
  }
}

/** The first that fits, the last used first. */
export async function findSessionFile(
  folder: string,
  fits: (summary: SessionSummary) => boolean,
): Promise<SessionSummary | undefined> {
  for await (const summary of sessionFiles(folder)) if (fits(summary)) return summary;
  return undefined;
}

async function pathsByUse(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const found: { path: string; usedAt: number }[] = [];
  for (const name of names.filter((each) => each.endsWith(".jsonl"))) {
    const path = join(folder, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isFile()) found.push({ path, usedAt: stats.mtimeMs });
  }
  return found.sort((a, b) => b.usedAt - a.usedAt).map(({ path }) => path);
}

async function summarise(path: string): Promise<SessionSummary | undefined> {
  try {
    const file = parseSession(await readFile(path, "utf8"));
    if (!file) return undefined;
    const { header, entries } = file;
    const title = entries.findLast((entry) => entry.type === "title_change")?.title ?? header.title;
    const model = entries.findLast((entry) => entry.type === "model_change")?.model ?? header.model;
    const { id: session_id, created_at, cwd } = header;
    const messages = entries.filter((entry) => entry.type === "message").length;
    return { session_id, path, created_at, cwd, model, title, messages };
  } catch {
    // Another kind of file that ends in .jsonl, or a session of a newer version: not listed.
    return undefined;
  }
}

function parseNamed(path: string, text: string): SessionFile | undefined {
  try {
    return parseSession(text);
  } catch (thrown) {
    throw thrown instanceof SessionError ? new SessionError(`${path}: ${thrown.message}`) : thrown;
  }
}

async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return undefined;
    throw new SessionError(`${path}: cannot be read (${errorCode(thrown) ?? "unknown"})`);
  }
}

/** How many bytes of a file are whole lines, and whether what comes after them has to go. */
interface Extent {
  readonly length: number;
  readonly cutsRest: boolean;
}

/** Opens the store that appends to what is whole, and makes a session of it. A failure closes the file. */
async function withStore(
  path: string,
  { length, cutsRest }: Extent,
  make: (store: SessionStore) => Promise<Session>,
): Promise<Session> {
  const file = await open(path, "a", 0o600);
  try {
    // Never needlessly: another process may have appended since the file was read.
    if (cutsRest) await file.truncate(length);
    return await make(createStore(file, length));
  } catch (thrown) {
    await file.close().catch(() => undefined);
    throw thrown;
  }
}

/** Appends to a file that holds `length` bytes of whole lines. */
function createStore(file: FileHandle, length: number): SessionStore {
  let sound = length;
  return {
    async append(line) {
      const bytes = Buffer.from(line);
      try {
        await file.appendFile(bytes);
        sound += bytes.length;
      } catch (thrown) {
        // Half a line in the middle would damage the file for good.
        await file.truncate(sound).catch(() => undefined);
        throw new SessionError(`cannot write the session file: ${errorCode(thrown) ?? "unknown"}`);
      }
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}
