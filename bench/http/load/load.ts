/** What the load programs are told and what they answer, and how they are run: each in a process of its own. */
import { startChild } from "../child.ts";
import { benchFile } from "../project.ts";
import { PATH, type RunningTarget } from "../target.ts";

/** Past the time that a load should take. */
export const LOAD_GRACE_MS = 30_000;

export interface LoadOptions {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers that came whole, and how many did not or were no 200. */
export interface LoadResult {
  readonly answered: number;
  readonly failed: number;
}

export const loadOptions = ({ origin, headers }: RunningTarget): LoadOptions => ({
  origin,
  path: PATH,
  headers,
});

/** Throws when a single request failed: a figure that errors helped to make is none. */
export function refuseFailures<R extends LoadResult>(result: R): R {
  if (result.failed > 0)
    throw new Error(`${result.failed} requests failed beside ${result.answered} answered`);
  if (result.answered === 0) throw new Error("no request was answered");
  return result;
}

/** Runs load/PROGRAM with the options; `onPhase` hears of every phase it announces before its result. */
export async function runLoadProgram<R extends LoadResult>(
  program: string,
  options: LoadOptions & { readonly secs: number },
  onPhase: (phase: string) => void = () => {},
): Promise<R> {
  const command = [process.execPath, benchFile(`load/${program}`), JSON.stringify(options)];
  const child = startChild({ command, lines: "stdout" });
  const read = (line: string): R | undefined => {
    const said: R | { readonly phase: string } = JSON.parse(line);
    if (!("phase" in said)) return said;
    onPhase(said.phase);
    return undefined;
  };
  try {
    return refuseFailures(await child.line(read, options.secs * 1000 + LOAD_GRACE_MS));
  } finally {
    await child.stop();
  }
}

/** In a load program: its options. */
export function readOptions<O extends LoadOptions>(): O {
  return JSON.parse(process.argv[2] ?? "{}");
}

/** In a load program: tells the harness. */
export function tell(said: LoadResult | { readonly phase: string }): void {
  console.log(JSON.stringify(said));
}
