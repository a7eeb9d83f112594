/** `beyond-ai-agent run`: one task, then the exit code that says how it went. */
import { writeFile } from "node:fs/promises";
import { messageOf } from "../../../src/agent/errors.ts";
import { lastAssistantText, type RunResult, type Session } from "../../../src/agent/index.ts";
import { agentFactory } from "./open-agent.ts";
import { type AgentConfig, readConfig, type SharedFlags } from "./options.ts";
import { createOutput, type Output } from "./output.ts";
import { createTextRenderer } from "./render-text.ts";
import { sessionForRun } from "./run-session.ts";
import { watchSignals } from "./signals.ts";
import { readTask } from "./task.ts";
import { createProcesses } from "./tools/processes.ts";
import { UsageError } from "./usage-error.ts";

export interface RunFlags extends SharedFlags {
  session?: string;
  continue?: boolean;
  json?: boolean;
  outputLastMessage?: string;
}

/** Gives the exit code: 0 done, 1 failed, 2 usage, 128 + n on a signal. */
export async function runCommand(
  words: readonly string[],
  flags: RunFlags,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const stop = new AbortController();
  const processes = createProcesses();
  const signals = watchSignals(
    () => {
      stop.abort();
      // Ends the wait for a task that is still being read.
      process.stdin.destroy();
    },
    () => processes.killAll(),
  );
  const output = createOutput(process.stdout, () => stop.abort());
  let code: number;
  try {
    const config = readConfig(flags, env);
    const factory = agentFactory(config, processes);
    const task = await readTask({ words, cwd: config.cwd, stdin: process.stdin });
    const agent = factory.open(await sessionForRun(config, flags));
    const onEvent = flags.json ? await jsonSink(output, agent.session, config) : textSink(output);
    const earlier = agent.session.entries.length;
    const result = await agent.prompt(task, { signal: stop.signal, onEvent });
    await agent.session.close();
    code = await conclude(result, answerSince(agent.session, earlier), flags);
  } catch (thrown) {
    code = await report(thrown, flags, output);
  } finally {
    processes.killAll();
  }
  await output.flush();
  return signals.exitCode() ?? code;
}

async function jsonSink(output: Output, { header, state }: Session, { cwd }: AgentConfig) {
  const first = { kind: "session", id: header.id, model: state.model, cwd, created_at: header.created_at };
  await output.write(`${JSON.stringify(first)}\n`);
  return (event: object) => output.write(`${JSON.stringify(event)}\n`);
}

function textSink(output: Output) {
  return createTextRenderer({
    out: (text) => output.write(text),
    err: (text) => {
      process.stderr.write(text);
    },
  });
}

/** What the model said after the first `earlier` entries; the entries, since a compaction shortens the messages. */
function answerSince({ entries }: Session, earlier: number): string {
  return lastAssistantText(entries.slice(earlier).filter((entry) => entry.type === "message")) ?? "";
}

async function conclude(result: RunResult, answer: string, flags: RunFlags): Promise<number> {
  if (!result.ok) return 1;
  if (flags.outputLastMessage !== undefined) await writeFile(flags.outputLastMessage, answer);
  return result.stop_reason === "refusal" ? 1 : 0;
}

/** A failure outside a run is an `error` event too, so that the output always ends with a terminal event. */
async function report(thrown: unknown, flags: RunFlags, output: Output): Promise<number> {
  const isUsage = thrown instanceof UsageError;
  const message = messageOf(thrown);
  if (flags.json) {
    const event = { kind: "error", message, code: isUsage ? "usage" : "failed" };
    await output.write(`${JSON.stringify(event)}\n`);
  }
  process.stderr.write(`error: ${message}\n`);
  return isUsage ? 2 : 1;
}
