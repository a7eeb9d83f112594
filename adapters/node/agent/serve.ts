/** `beyond-ai-agent serve`: newline-delimited JSON on stdio, for a controller elsewhere. */
import { messageOf } from "../../../src/agent/errors.ts";
import { asString, isObject, type JsonObject, parseJson } from "../../../src/agent/json.ts";
import { type Command, type CommandContext, commands } from "./commands.ts";
import { eachLine, type Line } from "./lines.ts";
import { agentFactory } from "./open-agent.ts";
import { readConfig, type SharedFlags } from "./options.ts";
import { createOutput } from "./output.ts";
import { createSessionHost } from "./session-host.ts";
import { watchSignals } from "./signals.ts";
import { createProcesses } from "./tools/processes.ts";
import { UsageError } from "./usage-error.ts";

export interface ServeFlags extends SharedFlags {
  sessionFile?: string;
  sessionDir?: string;
}

/** Room for a prompt with a few images at their largest; a longer line is refused. */
const maxFrameBytes = 32 * 1024 * 1024;

/** Gives the exit code: 0 at the end of stdin, 128 + n on a signal. Throws only before the first frame. */
export async function serveCommand(flags: ServeFlags, env: NodeJS.ProcessEnv): Promise<number> {
  if (flags.sessionFile !== undefined && flags.sessionDir !== undefined) {
    throw new UsageError("give --session-file or --session-dir, not both");
  }
  const config = readConfig(flags, env);
  const processes = createProcesses();
  const endInput = () => process.stdin.destroy();
  const signals = watchSignals(endInput, () => processes.killAll());
  const output = createOutput(process.stdout, endInput);
  const send = (frame: object) => output.write(`${JSON.stringify(frame)}\n`);
  const { tools, open } = agentFactory(config, processes);
  const host = await createSessionHost({
    config,
    sessionFile: flags.sessionFile,
    sessionFolder: flags.sessionDir,
    open,
  });
  const { header, state } = host.agent.session;
  await send({ type: "ready", session_id: header.id, model: state.model, cwd: config.cwd });

  const dispatch = createDispatcher(
    { host, cwd: config.cwd, tools, onEvent: (event) => send({ type: "event", event }) },
    send,
  );
  try {
    for await (const line of eachLine(process.stdin, maxFrameBytes)) await dispatch.take(line);
  } catch {
    // Stdin was destroyed, by a signal or because nobody reads stdout: the same as its end.
  }
  host.agent.abort();
  await dispatch.idle();
  processes.killAll();
  await host.agent.session.close().catch((thrown) => process.stderr.write(`error: ${messageOf(thrown)}\n`));
  await output.flush();
  return signals.exitCode() ?? 0;
}

type Send = (frame: object) => Promise<void>;

/** Takes commands in order; a job runs beside the commands that are served at once. */
function createDispatcher(context: CommandContext, send: Send) {
  let job: Promise<void> | undefined;

  async function carryOut(name: string, input: JsonObject, command: Command): Promise<object> {
    const head = { type: "response", ...(input.id !== undefined && { id: input.id }), command: name };
    try {
      const data = await command.run(input, context);
      return { ...head, success: true, ...(data !== undefined && { data }) };
    } catch (thrown) {
      return { ...head, success: false, error: messageOf(thrown) };
    }
  }

  return {
    async take(line: Line): Promise<void> {
      const parsed = parseCommand(line);
      if (parsed === "blank") return;
      if ("problem" in parsed) {
        await send({ type: "response", command: "?", success: false, error: parsed.problem });
        return;
      }
      const { name, input } = parsed;
      const known =
        commands.get(name) ?? failing(`unknown command ${JSON.stringify(name)}; see get_commands`);
      const command =
        job && known.when !== "now" ? failing(`busy: ${name} has to wait until the run ends`) : known;
      const done = carryOut(name, input, command);
      if (command.when !== "job") {
        await send(await done);
        return;
      }
      job = done.then((frame) => {
        // Before the response is written: whoever reads it may send the next prompt at once.
        job = undefined;
        return send(frame);
      });
    },
    idle: () => job ?? Promise.resolve(),
  };
}

function failing(error: string): Command {
  return {
    when: "now",
    input: [],
    run: () => {
      throw new Error(error);
    },
  };
}

type ParsedCommand =
  | "blank"
  | { readonly problem: string }
  | { readonly name: string; readonly input: JsonObject };

function parseCommand({ head, bytes }: Line): ParsedCommand {
  if (bytes > maxFrameBytes) {
    return { problem: `line of ${bytes} bytes; at most ${maxFrameBytes} are read` };
  }
  const text = decode(head);
  if (text === undefined) return { problem: "bad JSON: not UTF-8" };
  if (text.trim() === "") return "blank";
  const input = parseJson(text);
  if (input === undefined) return { problem: "bad JSON" };
  const name = isObject(input) ? (asString(input.type) ?? asString(input.command)) : undefined;
  if (!isObject(input) || name === undefined) return { problem: 'want an object with a "type"' };
  return { name, input };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
