/** The life of one run, from the user's message to its one terminal event. */
import { abortedError } from "./abort.ts";
import { type CallResult, callModel } from "./call-model.ts";
import { compact, contextTokens } from "./compact.ts";
import { isCompactionDue } from "./compaction.ts";
import { ModelError, messageOf } from "./errors.ts";
import { runTools } from "./run-tools.ts";
import type { Session } from "./session.ts";
import { checkCall, type ToolHooks } from "./tool-call.ts";
import { errorResult, toolCalls } from "./transcript.ts";
import type { Block, EventSink, Message, ModelTransport, StopReason, Tool, ToolUseBlock } from "./types.ts";

/** Messages that wait for their place in the run. */
export interface Queues {
  steer: string[];
  followUp: string[];
}

interface RunContext {
  readonly session: Session;
  readonly transport: ModelTransport;
  readonly tools: readonly Tool[];
  readonly system: string;
  readonly hooks: ToolHooks;
  readonly queues: Queues;
  readonly maxSteps: number;
  readonly contextWindow: number;
  readonly thinkingBudget: number | undefined;
  readonly reasoningEffort: string | undefined;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onEvent: EventSink;
}

export type RunResult =
  | { readonly ok: true; readonly steps: number; readonly stop_reason: StopReason }
  | { readonly ok: false; readonly steps: number; readonly code: string; readonly message: string };

/** Runs until the model is done. A model or store that fails is a result; the last event is `agent_end` or `error`. */
export async function run(context: RunContext, prompt: readonly Block[]): Promise<RunResult> {
  const progress: Progress = { steps: 0, compactionFailed: false };
  let { result, answered } = await settle(context, progress, () => begin(context, prompt));
  // Nothing is awaited between this look at the queues and `agent_end`: what was queued before the end is not left over.
  while (answered && !context.signal.aborted && hasQueued(context.queues))
    ({ result, answered } = await settle(context, progress, () => takeUp(context)));
  await context.onEvent(
    result.ok
      ? { kind: "agent_end", steps: result.steps, stop_reason: result.stop_reason }
      : { kind: "error", message: result.message, code: result.code },
  );
  return result;
}

/** What a run has spent so far. */
interface Progress {
  steps: number;
  compactionFailed: boolean;
}

/** `answered`: the model called no tool, so that what is queued may follow. */
interface Settled {
  readonly result: RunResult;
  readonly answered: boolean;
}

/** Adds a user's message, and turns until the model is done with it. */
async function settle(
  context: RunContext,
  progress: Progress,
  addMessage: () => Promise<void>,
): Promise<Settled> {
  try {
    await addMessage();
    const { stop_reason, answered } = await turns(context, progress);
    return { result: { ok: true, steps: progress.steps, stop_reason }, answered };
  } catch (thrown) {
    const code = thrown instanceof ModelError ? thrown.code : "internal_error";
    const result = { ok: false, steps: progress.steps, code, message: messageOf(thrown) } as const;
    return { result, answered: false };
  }
}

/** What was steered while nothing ran comes before the prompt. */
async function begin(context: RunContext, prompt: readonly Block[]): Promise<void> {
  await context.onEvent({ kind: "agent_start" });
  const earlier = await takeQueue(context, "steer");
  await context.session.addMessage({ role: "user", content: [...earlier, ...prompt] });
}

async function turns(
  context: RunContext,
  progress: Progress,
): Promise<{ stop_reason: StopReason; answered: boolean }> {
  const { session, signal, maxSteps } = context;
  for (;;) {
    if (signal.aborted) throw abortedError();
    if (progress.steps === maxSteps) throw new ModelError("max_steps", `stopped after ${maxSteps} steps`);
    await compactIfDue(context, progress);
    const step = ++progress.steps;
    await context.onEvent({ kind: "turn_start", step });
    const { message, stop_reason, usage, badInput } = await answer(context);
    await session.addMessage(message, usage);
    const next = await react(context, message, stop_reason, badInput);
    await session.sync();
    await context.onEvent({ kind: "turn_end", step, stop_reason, usage });
    if (next !== "go_on") return { stop_reason, answered: next === "answered" };
  }
}

/** `go_on`: the tools' results wait for the model. `answered`: it called none. `end`: nothing may follow. */
async function react(
  context: RunContext,
  message: Message,
  stopReason: StopReason,
  badInput: ReadonlyMap<string, string>,
): Promise<"go_on" | "answered" | "end"> {
  const calls = toolCalls(message);
  if (stopReason === "refusal") {
    if (calls.length > 0) await context.session.addMessage(notRun(calls));
    return "end";
  }
  if (calls.length === 0) return "answered";
  const checked = calls.map((call) => checkCall(call, context.tools, badInput));
  const { results, terminate } = await runTools(checked, context.hooks, context.signal, context.onEvent);
  const steered = context.signal.aborted ? [] : await takeQueue(context, "steer");
  await context.session.addMessage({ role: "user", content: [...results, ...steered] });
  return terminate ? "end" : "go_on";
}

function notRun(calls: readonly ToolUseBlock[]): Message {
  return { role: "user", content: calls.map((call) => errorResult(call.id, "not run: the model refused")) };
}

/** One answer; a request that outgrew the window is compacted once and asked again. */
async function answer(context: RunContext): Promise<Extract<CallResult, { ok: true }>["answer"]> {
  let result = await call(context);
  if (!result.ok && result.error.contextOverflow && (await compact(context))) result = await call(context);
  if (result.ok) return result.answer;
  // When the user stopped the answer, what was shown of it stays in the transcript.
  if (context.signal.aborted && result.partial.content.length > 0)
    await context.session.addMessage(result.partial);
  throw result.error;
}

function call(context: RunContext): Promise<CallResult> {
  const { session, transport, tools, system, thinkingBudget, reasoningEffort, signal, onEvent, random } =
    context;
  return callModel({
    transport,
    request: {
      model: session.state.model,
      system,
      messages: session.messages,
      tools: tools.map(({ name, description, input_schema }) => ({ name, description, input_schema })),
      signal,
      ...(thinkingBudget !== undefined && { thinking_budget: thinkingBudget }),
      ...(reasoningEffort !== undefined && { reasoning_effort: reasoningEffort }),
    },
    takenIds: session.state.callIds,
    onEvent,
    random,
  });
}

/** A compaction that failed is not tried again in this run, unless the provider refuses a request as too large. */
async function compactIfDue(context: RunContext, progress: Progress): Promise<void> {
  const due = isCompactionDue(contextTokens(context.session), context.contextWindow);
  if (due && !progress.compactionFailed) progress.compactionFailed = !(await compact(context));
}

function hasQueued({ steer, followUp }: Queues): boolean {
  return steer.length + followUp.length > 0;
}

/** The run would end here, but what was steered or queued starts another turn. */
async function takeUp(context: RunContext): Promise<void> {
  const content = await takeQueue(context, context.queues.steer.length > 0 ? "steer" : "followUp");
  await context.session.addMessage({ role: "user", content });
}

async function takeQueue({ queues, onEvent }: RunContext, name: keyof Queues): Promise<Block[]> {
  const messages = queues[name];
  if (messages.length === 0) return [];
  queues[name] = [];
  await onEvent({ kind: "steered", messages });
  return messages.map((text) => ({ type: "text", text }));
}
