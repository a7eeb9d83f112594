/** One tool call: found, checked, run, and turned into a result, whatever happens. */
import { type Schema, Validator } from "@cfworker/json-schema";
import { untilAborted } from "./abort.ts";
import { messageOf } from "./errors.ts";
import { errorResult } from "./transcript.ts";
import type {
  AgentEvent,
  EventSink,
  JsonSchema,
  Tool,
  ToolOutput,
  ToolResultBlock,
  ToolUseBlock,
} from "./types.ts";

/** What an embedder may decide about each call. */
export interface ToolHooks {
  /** Refuses a call with a reason, which the model is told. */
  beforeToolCall?(
    call: ToolUseBlock,
  ): Promise<{ refuse: string } | undefined> | { refuse: string } | undefined;
  /** May put another result in the place of this one. */
  afterToolCall?(
    call: ToolUseBlock,
    result: ToolResultBlock,
  ): Promise<ToolResultBlock | undefined> | ToolResultBlock | undefined;
}

/** A call that can be run, or the reason why it cannot. */
export type CheckedCall =
  | { readonly call: ToolUseBlock; readonly tool: Tool; readonly target: string | undefined }
  | { readonly call: ToolUseBlock; readonly problem: string };

export interface CallOutcome {
  readonly result: ToolResultBlock;
  readonly terminate: boolean;
}

/** How long a tool may take to stop by itself after an abort; killing a process group takes two seconds at most. */
const abortGraceMs = 5_000;

export function checkCall(
  call: ToolUseBlock,
  tools: readonly Tool[],
  badInput: ReadonlyMap<string, string>,
): CheckedCall {
  const tool = tools.find((candidate) => candidate.name === call.name);
  if (!tool) {
    const names = tools.map((candidate) => candidate.name).join(", ");
    return { call, problem: `unknown tool "${call.name}"; there is: ${names || "none"}` };
  }
  try {
    const bad = badInput.get(call.id) ?? schemaProblem(tool.input_schema, call.input);
    if (bad) return { call, problem: `${call.name}: ${bad}` };
    return { call, tool, target: tool.write_target?.(call.input) };
  } catch (thrown) {
    return { call, problem: `${call.name}: ${messageOf(thrown)}` };
  }
}

/** What is wrong with an input, as a list of places; undefined when it is valid. */
function schemaProblem(schema: JsonSchema, input: unknown): string | undefined {
  // Justified: the library's type names the keywords it knows; any JSON Schema object is one.
  const { valid, errors } = new Validator(schema as Schema, "2020-12", false).validate(input);
  if (valid) return undefined;
  // The library reports a failure at its own place and again at every place around it: the innermost are enough.
  const inner = errors.filter(({ keyword }) => keyword !== "properties" && keyword !== "items");
  const places = (inner.length > 0 ? inner : errors).map(
    ({ instanceLocation, error }) => `${instanceLocation}: ${error}`,
  );
  return `invalid input: ${places.slice(0, 5).join(" ")}`;
}

/** Runs a checked call. Never throws: what the tool or a hook throws becomes an error result. */
export async function runCall(
  checked: CheckedCall,
  hooks: ToolHooks,
  signal: AbortSignal,
  onEvent: EventSink,
): Promise<CallOutcome> {
  const { call } = checked;
  if ("problem" in checked) return failed(call, checked.problem);
  if (signal.aborted) return failed(call, "aborted before it ran");
  let running = true;
  try {
    const refusal = await hooks.beforeToolCall?.(call);
    if (refusal) return failed(call, `refused: ${refusal.refuse}`);
    const progressOf = { kind: "tool_progress", id: call.id, name: call.name } as const;
    const work = checked.tool.run(call.input, {
      id: call.id,
      signal,
      progress: (snapshot) => {
        if (running) tellUnawaited(onEvent, { ...progressOf, snapshot });
      },
    });
    const output = await untilAborted(work, signal, abortGraceMs);
    running = false;
    return rewritten(call, { result: resultOf(call, output), terminate: output.terminate === true }, hooks);
  } catch (thrown) {
    running = false;
    return rewritten(call, failed(call, messageOf(thrown)), hooks);
  }
}

/** Nobody waits for a snapshot, and a tool may send one from a timer: what the sink throws would end the process. */
function tellUnawaited(onEvent: EventSink, event: AgentEvent): void {
  const told = async () => onEvent(event);
  told().catch(() => undefined);
}

async function rewritten(call: ToolUseBlock, outcome: CallOutcome, hooks: ToolHooks): Promise<CallOutcome> {
  try {
    const result = await hooks.afterToolCall?.(call, outcome.result);
    // The id ties the result to its call: a hook cannot change it.
    return result
      ? { ...outcome, result: { ...result, type: "tool_result", tool_use_id: call.id } }
      : outcome;
  } catch (thrown) {
    return failed(call, `afterToolCall: ${messageOf(thrown)}`);
  }
}

function resultOf(call: ToolUseBlock, { text, images }: ToolOutput): ToolResultBlock {
  return {
    type: "tool_result",
    tool_use_id: call.id,
    content: text === "" && !images?.length ? "(no output)" : text,
    is_error: false,
    ...(images?.length && { images }),
  };
}

function failed(call: ToolUseBlock, problem: string): CallOutcome {
  return { result: errorResult(call.id, problem), terminate: false };
}
