/** The coding tools of the command line. */
import { messageOf } from "../../../../src/agent/errors.ts";
import type { Tool } from "../../../../src/agent/types.ts";
import { createBashTool } from "./bash.ts";
import { createBeyondTools } from "./beyond.ts";
import { createEditTool } from "./edit.ts";
import { toolEnvironment } from "./environment.ts";
import { createFindTool } from "./find.ts";
import { createGrepTool } from "./grep.ts";
import { createLsTool } from "./ls.ts";
import type { Processes } from "./processes.ts";
import { createReadTool } from "./read.ts";
import { createWriteTool } from "./write.ts";

interface ToolsOptions {
  /** Absolute. Relative paths in tool input start here. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The virtual key: kept out of every tool's environment and taken out of every tool's result. */
  readonly key: string;
  readonly processes: Processes;
}

export function createTools({ cwd, env, key, processes }: ToolsOptions): Tool[] {
  const clean = toolEnvironment(env, key);
  const tools = [
    createReadTool(cwd),
    createWriteTool(cwd),
    createEditTool(cwd),
    createBashTool(cwd, clean, processes),
    createLsTool(cwd),
    createGrepTool(cwd, clean, processes),
    createFindTool(cwd),
    ...createBeyondTools(cwd, clean, processes),
  ];
  return key === "" ? tools : tools.map((tool) => withoutKey(tool, key));
}

/** A command can still read the key from the system (`/proc/PID/environ`); no result carries it to the model. */
function withoutKey(tool: Tool, key: string): Tool {
  const clean = (text: string) => text.replaceAll(key, "[redacted]");
  return {
    ...tool,
    async run(input, context) {
      const progress = (snapshot: string) => context.progress(clean(snapshot));
      try {
        const output = await tool.run(input, { ...context, progress });
        return { ...output, text: clean(output.text) };
      } catch (thrown) {
        throw new Error(clean(messageOf(thrown)));
      }
    },
  };
}
