/** Runs a program for a tool: shows its output as it grows, and turns its end into a result or an error. */
import type { ToolContext, ToolOutput } from "../../../../src/agent/types.ts";
import { createOutputTail } from "./output-tail.ts";
import type { ProcessEnd, Processes } from "./processes.ts";

interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}

const snapshotEveryMs = 500;
const snapshotBytes = 4_096;

/** Gives the output if the program ended with code 0, else throws an error with the output and how it ended. */
export async function runProgram(
  processes: Processes,
  program: Program,
  context: ToolContext,
): Promise<ToolOutput> {
  const tail = createOutputTail();
  let grown = false;
  const ticker = setInterval(() => {
    if (grown) context.progress(tail.snapshot(snapshotBytes));
    grown = false;
  }, snapshotEveryMs);
  try {
    const end = await processes.run({
      ...program,
      signal: context.signal,
      onOutput: (chunk) => {
        grown = true;
        tail.push(chunk);
      },
    });
    const problem = describe(end, program.timeoutMs, context.signal.aborted);
    const output = tail.finish();
    if (problem) throw new Error(output === "" ? problem : `${output}\n\n${problem}`);
    return { text: output === "" ? "(no output)" : output };
  } finally {
    clearInterval(ticker);
  }
}

function describe(
  { code, signal, timedOut }: ProcessEnd,
  timeoutMs: number,
  aborted: boolean,
): string | undefined {
  if (timedOut) return `Command timed out after ${timeoutMs} ms and was killed`;
  if (aborted) return "Command was aborted";
  if (signal) return `Command was killed by ${signal}`;
  return code === 0 ? undefined : `Command exited with code ${code}`;
}
