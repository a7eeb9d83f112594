/** What a tool's process gets to see of the agent's environment. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** All of it, without `AI_AGENT_KEY` and without any variable that holds the key under another name. */
export function toolEnvironment(env: NodeJS.ProcessEnv, key: string): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) => name !== "AI_AGENT_KEY" && !(key !== "" && value?.includes(key)),
    ),
  );
}

/** The first executable file of that name on the PATH. */
export function findProgram(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
