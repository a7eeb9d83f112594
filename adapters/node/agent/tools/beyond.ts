/** `fork`, `sync`, `logs`: the `beyond` program, run without a shell. */
import type { Tool } from "../../../../src/agent/types.ts";
import { findProgram } from "./environment.ts";
import type { Processes } from "./processes.ts";
import { runProgram } from "./run-program.ts";
import { objectSchema, optionalText, string } from "./tool-input.ts";

const timeoutMs = 30 * 60 * 1000;

/** No tools when there is no `beyond` on the PATH and `AI_AGENT_BEYOND_BIN` names none. */
export function createBeyondTools(cwd: string, env: NodeJS.ProcessEnv, processes: Processes): Tool[] {
  const file = env.AI_AGENT_BEYOND_BIN || findProgram("beyond", env);
  if (!file) return [];

  const tool = (
    spec: Pick<Tool, "name" | "description" | "input_schema">,
    toArgs: (value: (name: string) => string[]) => string[],
  ): Tool => ({
    ...spec,
    run(input, context) {
      // A value that looks like an option could change what the program does.
      const value = (name: string) => {
        const given = optionalText(input, name);
        if (given?.startsWith("-")) throw new Error(`${name} must not begin with "-"`);
        return given === undefined ? [] : [given];
      };
      return runProgram(
        processes,
        { file, args: [spec.name, ...toArgs(value)], cwd, env, timeoutMs },
        context,
      );
    },
  });
  const option = (flag: string, values: string[]) => values.flatMap((value) => [flag, value]);

  return [
    tool(
      {
        name: "fork",
        description: "Fork a Beyond app, to try something out without touching it.",
        input_schema: objectSchema({ app: string("App to fork"), name: string("Name of the fork") }, ["app"]),
      },
      (value) => [...value("app"), ...option("--name", value("name"))],
    ),
    tool(
      {
        name: "sync",
        description: "Sync a folder with its Beyond app.",
        input_schema: objectSchema({ path: string("Folder; the working directory if left out") }, []),
      },
      (value) => value("path"),
    ),
    tool(
      {
        name: "logs",
        description: "Show the logs of a Beyond app.",
        input_schema: objectSchema({ app: string("App"), query: string("What to look for") }, []),
      },
      (value) => [...option("--app", value("app")), ...option("--query", value("query"))],
    ),
  ];
}
