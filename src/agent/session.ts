/** One conversation: its entries, what they add up to, and the store that they are appended to. */
import {
  formatLine,
  type MessageEntry,
  type SessionEntry,
  SessionError,
  type SessionHeader,
  sessionVersion,
} from "./session-entries.ts";
import { createFold, type SessionState } from "./session-state.ts";
import { interruptedResults, toolCalls } from "./transcript.ts";
import type { Message, Usage } from "./types.ts";

/** Where lines go. Appends come one at a time and in order; a rejection ends the run. */
export interface SessionStore {
  append(line: string): Promise<void>;
  /** Settles when all that was appended will outlive a power failure. */
  sync(): Promise<void>;
  /** Lets go of the file. Nothing is appended afterwards. */
  close(): Promise<void>;
}

/** A session that lives as long as the process. */
export const memoryStore: SessionStore = {
  append: () => Promise.resolve(),
  sync: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

export interface Session {
  readonly header: SessionHeader;
  readonly entries: readonly SessionEntry[];
  readonly state: SessionState;
  readonly messages: readonly Message[];
  addMessage(message: Message, usage?: Usage): Promise<void>;
  addCompaction(compaction: {
    readonly summary: string;
    readonly firstKept: number;
    readonly tokensBefore: number;
    readonly tokensAfter: number;
    readonly usage: Usage;
  }): Promise<void>;
  setModel(model: string): Promise<void>;
  setTitle(title: string): Promise<void>;
  sync(): Promise<void>;
  /** Syncs, and lets go of the store even when that fails. */
  close(): Promise<void>;
}

export interface NewSession {
  readonly cwd: string;
  readonly model: string;
  readonly title?: string | null;
  readonly parent?: string | null;
}

/** The header of a session that starts now. */
export function newHeader({ cwd, model, title = null, parent = null }: NewSession): SessionHeader {
  return {
    type: "session",
    version: sessionVersion,
    id: crypto.randomUUID(),
    created_at: new Date().toISOString(),
    cwd,
    model,
    title,
    parent,
  };
}

/** Writes the header (and the entries of a fork), and gives the session. */
export async function createSession(
  header: SessionHeader,
  store: SessionStore = memoryStore,
  entries: readonly SessionEntry[] = [],
): Promise<Session> {
  await store.append(formatLine(header));
  for (const entry of entries) await store.append(formatLine(entry));
  return openSession(header, entries, store);
}

/** Goes on with a session that is in the store already. Calls that a kill left without a result get an error now. */
export async function openSession(
  header: SessionHeader,
  stored: readonly SessionEntry[],
  store: SessionStore = memoryStore,
): Promise<Session> {
  const entries = [...stored];
  const fold = createFold(header);
  for (const entry of entries) fold.add(entry);

  async function add(entry: SessionEntry): Promise<void> {
    // The store first: what only memory knows would be lost without anybody being told.
    await store.append(formatLine(entry));
    entries.push(entry);
    fold.add(entry);
  }

  const base = () => ({
    id: crypto.randomUUID(),
    parent_id: fold.state().lastEntryId,
    timestamp: new Date().toISOString(),
  });

  const session: Session = {
    header,
    entries,
    get state() {
      return fold.state();
    },
    get messages() {
      return fold.state().transcript.map(({ message }) => message);
    },
    addMessage: (message, usage) => {
      const entry: MessageEntry = { type: "message", ...base(), ...message, ...(usage && { usage }) };
      return add(entry);
    },
    addCompaction: ({ summary, firstKept, tokensBefore, tokensAfter, usage }) =>
      add({
        type: "compaction",
        ...base(),
        summary,
        first_kept_id: fold.state().transcript[firstKept]?.id ?? null,
        tokens_before: tokensBefore,
        tokens_after: tokensAfter,
        usage,
      }),
    setModel: (model) => add({ type: "model_change", ...base(), model }),
    setTitle: (title) => add({ type: "title_change", ...base(), title }),
    sync: () => store.sync(),
    close: async () => {
      try {
        await store.sync();
      } finally {
        await store.close();
      }
    },
  };

  const last = session.messages.at(-1);
  const unanswered = last?.role === "assistant" ? toolCalls(last) : [];
  if (unanswered.length > 0) await session.addMessage(interruptedResults(unanswered));
  return session;
}

/** The entries of a fork: all, or those up to and including `upto`. Throws `SessionError` if there is no such entry. */
export function entriesUpTo(
  entries: readonly SessionEntry[],
  upto: string | undefined,
): readonly SessionEntry[] {
  if (upto === undefined) return entries;
  const at = entries.findIndex((entry) => entry.id === upto);
  if (at < 0) throw new SessionError(`no message with the id ${JSON.stringify(upto)} in this session`);
  return entries.slice(0, at + 1);
}
