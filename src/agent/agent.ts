/** The agent: one session, one run at a time, and the ways to talk into a run. */
import { compact } from "./compact.ts";
import { type Queues, type RunResult, run } from "./loop.ts";
import type { Session } from "./session.ts";
import type { ToolHooks } from "./tool-call.ts";
import type { Block, EventSink, ModelTransport, Tool } from "./types.ts";

export interface AgentOptions {
  readonly transport: ModelTransport;
  /** Carries the model's id, the transcript and the usage. */
  readonly session: Session;
  readonly tools?: readonly Tool[];
  readonly system?: string;
  readonly hooks?: ToolHooks;
  /** Model calls in one run. */
  readonly maxSteps?: number;
  /** The model's window in tokens; compaction keeps the transcript below it. */
  readonly contextWindow?: number;
  /** Tokens for thinking; undefined leaves it off. */
  readonly thinkingBudget?: number | undefined;
  readonly reasoningEffort?: string | undefined;
  readonly random?: () => number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onEvent?: EventSink;
}

/** What an abort took out of the queues: the model never saw it. */
export interface Unsaid {
  readonly steer: readonly string[];
  readonly follow_up: readonly string[];
}

export interface Agent {
  readonly session: Session;
  readonly running: boolean;
  readonly queued: Unsaid;
  thinkingBudget: number | undefined;
  /** Runs to the end. Throws when a run is under way; a model's failure is a result. */
  prompt(content: string | readonly Block[], options?: RunOptions): Promise<RunResult>;
  /** Joins the next tool-results message, or starts a turn when the model is done. */
  steer(message: string): void;
  /** Waits until the run would end. */
  followUp(message: string): void;
  /** Stops the run, if there is one, and empties the queues. */
  abort(): Unsaid;
  /** False when there was nothing to summarise, or when that failed. */
  compact(options?: RunOptions): Promise<boolean>;
}

const defaultMaxSteps = 50;
const defaultContextWindow = 200_000;

export function createAgent(options: AgentOptions): Agent {
  const { session, transport, random = Math.random, contextWindow = defaultContextWindow } = options;
  const queues: Queues = { steer: [], followUp: [] };
  let current: AbortController | undefined;

  /** One at a time: two runs on one transcript would mix their turns. */
  async function exclusively<T>(
    { signal }: RunOptions,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (current) throw new Error("busy: a run is under way");
    const controller = new AbortController();
    current = controller;
    const stop = () => controller.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      return await work(controller.signal);
    } finally {
      signal?.removeEventListener("abort", stop);
      current = undefined;
    }
  }

  const agent: Agent = {
    session,
    thinkingBudget: options.thinkingBudget,
    get running() {
      return current !== undefined;
    },
    get queued() {
      return { steer: queues.steer, follow_up: queues.followUp };
    },
    prompt: (content, runOptions = {}) =>
      exclusively(runOptions, (signal) =>
        run(
          {
            session,
            transport,
            tools: options.tools ?? [],
            system: options.system ?? "",
            hooks: options.hooks ?? {},
            queues,
            maxSteps: options.maxSteps ?? defaultMaxSteps,
            contextWindow,
            thinkingBudget: agent.thinkingBudget,
            reasoningEffort: options.reasoningEffort,
            random,
            signal,
            onEvent: runOptions.onEvent ?? (() => undefined),
          },
          typeof content === "string" ? [{ type: "text", text: content }] : content,
        ),
      ),
    steer: (message) => {
      queues.steer.push(message);
    },
    followUp: (message) => {
      queues.followUp.push(message);
    },
    abort: () => {
      const unsaid = { steer: queues.steer, follow_up: queues.followUp };
      queues.steer = [];
      queues.followUp = [];
      current?.abort();
      return unsaid;
    },
    compact: (runOptions = {}) =>
      exclusively(runOptions, (signal) =>
        compact({
          session,
          transport,
          contextWindow,
          random,
          signal,
          onEvent: runOptions.onEvent ?? (() => undefined),
        }),
      ),
  };
  return agent;
}
