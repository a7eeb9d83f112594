/** The session that `serve` works on, and how another takes its place. */
import { dirname } from "node:path";
import {
  type Agent,
  createSession,
  entriesUpTo,
  type NewSession,
  newHeader,
  type Session,
  type SessionEntry,
  SessionError,
} from "../../../src/agent/index.ts";
import type { AgentConfig } from "./options.ts";
import { openOrCreate } from "./run-session.ts";
import {
  createSessionFile,
  defaultSessionFolder,
  findSessionFile,
  openSessionFile,
  type SessionSummary,
  sessionFiles,
  sessionPath,
} from "./session-files.ts";
import { errorCode } from "./tools/paths.ts";

export interface SessionHost {
  /** The agent of the current session. */
  readonly agent: Agent;
  start(): Promise<void>;
  list(): Promise<readonly SessionSummary[]>;
  switchTo(id: string): Promise<void>;
  /** Makes a new session that begins with the current one's entries, up to and including the one named. */
  fork(upto: string | undefined): Promise<void>;
}

interface HostOptions {
  readonly config: AgentConfig;
  readonly sessionFile: string | undefined;
  readonly sessionFolder: string | undefined;
  /** Makes the agent of a session. */
  readonly open: (session: Session) => Agent;
}

/** Throws `SessionError` when the file that was named cannot be used. */
export async function createSessionHost({
  config,
  sessionFile,
  sessionFolder,
  open,
}: HostOptions): Promise<SessionHost> {
  const folder =
    sessionFolder ?? (sessionFile === undefined ? defaultSessionFolder(config.env) : dirname(sessionFile));
  const mustKeep = sessionFile !== undefined || sessionFolder !== undefined;
  const model = config.givenModel ?? config.defaultModel;

  async function create(given: Partial<NewSession>, entries: readonly SessionEntry[] = []): Promise<Session> {
    const header = newHeader({ cwd: config.cwd, model, ...given });
    try {
      return await createSessionFile(sessionPath(folder, header), header, entries);
    } catch (thrown) {
      if (mustKeep)
        throw new SessionError(`cannot make a session in ${folder}: ${errorCode(thrown) ?? "unknown"}`);
      process.stderr.write(`[the session is not kept: ${folder} cannot be written]\n`);
      return createSession(header, undefined, entries);
    }
  }

  let current = open(sessionFile === undefined ? await create({}) : await openOrCreate(sessionFile, config));

  /** When the current session cannot be synced it stays the current one, and the other is closed. */
  async function use(session: Session): Promise<void> {
    const before = current;
    try {
      await before.session.sync();
    } catch (thrown) {
      await session.close().catch(() => undefined);
      throw thrown;
    }
    current = open(session);
    current.thinkingBudget = before.thinkingBudget;
    await before.session.close();
  }

  return {
    get agent() {
      return current;
    },
    async start() {
      await use(await create({ model: current.session.state.model }));
    },
    async list() {
      const summaries: SessionSummary[] = [];
      for await (const summary of sessionFiles(folder)) summaries.push(summary);
      return summaries;
    },
    async switchTo(id) {
      const found = await findSessionFile(folder, ({ session_id }) => session_id === id);
      const session = found && (await openSessionFile(found.path));
      if (!session) throw new SessionError(`no session ${JSON.stringify(id)}`);
      await use(session);
    },
    async fork(upto) {
      const { header, entries, state } = current.session;
      await use(
        await create(
          { parent: header.id, title: state.title, model: header.model },
          entriesUpTo(entries, upto),
        ),
      );
    },
  };
}
