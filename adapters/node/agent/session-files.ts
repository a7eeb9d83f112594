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
  return withStore(path, 0, (store) => createSession(header, store, entries));
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
  return withStore(path, lacksLineFeed ? bytes.length : end, async (store) => {
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

/** The usable session files of a folder, the last used first. */
export async function listSessionFiles(folder: string): Promise<SessionSummary[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.filter((name) => name.endsWith(".jsonl")).map((name) => summarise(join(folder, name))),
  );
  return found
    .filter((item) => item !== undefined)
    .sort((a, b) => b.usedAt - a.usedAt)
    .map((item) => item.summary);
}

async function summarise(path: string): Promise<{ summary: SessionSummary; usedAt: number } | undefined> {
  try {
    const file = parseSession(await readFile(path, "utf8"));
    if (!file) return undefined;
    const { header, entries } = file;
    const title = entries.findLast((entry) => entry.type === "title_change")?.title ?? header.title;
    const model = entries.findLast((entry) => entry.type === "model_change")?.model ?? header.model;
    const { id: session_id, created_at, cwd } = header;
    const messages = entries.filter((entry) => entry.type === "message").length;
    return {
      summary: { session_id, path, created_at, cwd, model, title, messages },
      usedAt: (await stat(path)).mtimeMs,
    };
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

/**
 * Opens the store that appends from `length` on (what stood after it was torn), and makes a session of it. A failure
 * closes the file.
 */
async function withStore(
  path: string,
  length: number,
  make: (store: SessionStore) => Promise<Session>,
): Promise<Session> {
  const file = await open(path, "a", 0o600);
  try {
    await file.truncate(length);
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
