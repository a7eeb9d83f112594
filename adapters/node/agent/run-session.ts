/** The session of a run: a file that was named, the last one of this folder, or a new one. */
import { createSession, newHeader, type Session } from "../../../src/agent/index.ts";
import type { AgentConfig } from "./options.ts";
import {
  createSessionFile,
  defaultSessionFolder,
  findSessionFile,
  openSessionFile,
  sessionPath,
} from "./session-files.ts";
import { errorCode } from "./tools/paths.ts";
import { UsageError } from "./usage-error.ts";

export async function sessionForRun(
  config: AgentConfig,
  flags: { readonly session?: string; readonly continue?: boolean },
): Promise<Session> {
  const folder = defaultSessionFolder(config.env);
  if (flags.session !== undefined) return openOrCreate(flags.session, config);
  if (!flags.continue) return newSession(folder, config);
  const last = await findSessionFile(folder, ({ cwd }) => cwd === config.cwd);
  if (!last) throw new UsageError(`no earlier session in ${config.cwd} to continue`);
  return openOrCreate(last.path, config);
}

/** A model that was given on the command line overrides the session's own. */
export async function openOrCreate(path: string, config: AgentConfig): Promise<Session> {
  const model = config.givenModel ?? config.defaultModel;
  const found = await openSessionFile(path);
  if (!found) return createSessionFile(path, newHeader({ cwd: config.cwd, model }));
  if (config.givenModel !== undefined && config.givenModel !== found.state.model)
    await found.setModel(config.givenModel);
  return found;
}

/** Where no session file can be made, the run goes on without one. */
async function newSession(folder: string, config: AgentConfig): Promise<Session> {
  const header = newHeader({ cwd: config.cwd, model: config.givenModel ?? config.defaultModel });
  try {
    return await createSessionFile(sessionPath(folder, header), header);
  } catch (thrown) {
    process.stderr.write(
      `[the session is not kept: ${folder} cannot be written (${errorCode(thrown) ?? "unknown"})]\n`,
    );
    return createSession(header);
  }
}
