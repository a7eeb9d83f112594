/** `bash`: a shell command in a process group of its own. */
import { stat } from "node:fs/promises";
import type { Tool } from "../../../../src/agent/types.ts";
import { findProgram } from "./environment.ts";
import { resolvePath } from "./paths.ts";
import type { Processes } from "./processes.ts";
import { runProgram } from "./run-program.ts";
import { numberOf, objectSchema, optionalText, string, textOf } from "./tool-input.ts";

const defaultTimeoutMs = 30 * 60 * 1000;
const maxTimeoutMs = 24 * 60 * 60 * 1000;

export function createBashTool(cwd: string, env: NodeJS.ProcessEnv, processes: Processes): Tool {
  const shell = findProgram("bash", env) ?? "/bin/sh";
  return {
    name: "bash",
    description:
      "Run a shell command. It has no terminal and no input. The end of its output comes back; a longer output is kept in a file that the result names.",
    input_schema: objectSchema(
      {
        command: string("Command to run"),
        cwd: string("Folder to run it in; the working directory if left out"),
        timeout_ms: {
          type: "integer",
          minimum: 1,
          maximum: maxTimeoutMs,
          description: `Milliseconds after which it is killed (${defaultTimeoutMs})`,
        },
      },
      ["command"],
    ),
    exclusive: true,
    async run(input, context) {
      const folder = optionalText(input, "cwd") ?? ".";
      const absolute = resolvePath(cwd, folder);
      if (!(await isFolder(absolute))) throw new Error(`${folder}: no such folder`);
      const program = {
        file: "/bin/sh",
        // One pipe for both streams, so that their lines stay in the order they were written.
        args: ["-c", 'exec "$0" -c "$1" 2>&1', shell, textOf(input, "command")],
        cwd: absolute,
        env,
        timeoutMs: numberOf(input, "timeout_ms", defaultTimeoutMs),
      };
      return runProgram(processes, program, context);
    },
  };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
