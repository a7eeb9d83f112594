/** Runs the calls of one turn: side by side where that is safe, in call order where it is not. */
import { type CallOutcome, type CheckedCall, runCall, type ToolHooks } from "./tool-call.ts";
import type { EventSink, ToolResultBlock } from "./types.ts";

/** Calls of one turn that run at the same time. */
const maxParallel = 8;

interface TurnResults {
  /** In call order, whatever order they finished in. */
  readonly results: readonly ToolResultBlock[];
  readonly terminate: boolean;
}

/**
 * `tool_start` events come in call order, `tool_end` as each call finishes. Calls with one target run one after another; a
 * call to an exclusive tool makes the turn serial. After an abort the calls that wait are not started.
 */
export async function runTools(
  calls: readonly CheckedCall[],
  hooks: ToolHooks,
  signal: AbortSignal,
  onEvent: EventSink,
): Promise<TurnResults> {
  const serial = calls.some((call) => "tool" in call && call.tool.exclusive === true);
  const announce = createAnnouncer(calls, onEvent);
  const schedule = createSchedule(calls, serial ? 1 : maxParallel);
  const outcomes = new Array<CallOutcome | undefined>(calls.length);

  async function run(index: number, checked: CheckedCall): Promise<void> {
    await announce(index);
    const outcome = await runCall(checked, hooks, signal, onEvent);
    outcomes[index] = outcome;
    const { id, name } = checked.call;
    const { content, is_error } = outcome.result;
    await onEvent({ kind: "tool_end", id, name, result: content, is_error });
  }

  await schedule(run);
  const all = outcomes.filter((outcome) => outcome !== undefined);
  return {
    results: all.map((outcome) => outcome.result),
    terminate: all.some((outcome) => outcome.terminate),
  };
}

/**
 * Emits the starts in call order: before the start of a call that overtakes others, the starts of those are emitted,
 * though they still wait for their target.
 */
function createAnnouncer(
  calls: readonly CheckedCall[],
  onEvent: EventSink,
): (index: number) => Promise<void> {
  let next = 0;
  let last: Promise<void> = Promise.resolve();
  return (index) => {
    for (; next <= index; next++) {
      const { id, name, input } = calls[next]!.call;
      last = last.then(() => onEvent({ kind: "tool_start", id, name, input }));
    }
    return last;
  };
}

/** Starts a call as soon as a place is free and no earlier call holds or awaits its target. */
function createSchedule(
  calls: readonly CheckedCall[],
  places: number,
): (run: (index: number, call: CheckedCall) => Promise<void>) => Promise<void> {
  const targetOf = (call: CheckedCall) => ("tool" in call ? call.target : undefined);
  return (run) =>
    new Promise((resolve, reject) => {
      const waiting = calls.map((call, index) => ({ call, index, target: targetOf(call) }));
      const held = new Set<string>();
      let running = 0;

      function fill(): void {
        const blocked = new Set(held);
        for (let at = 0; at < waiting.length && running < places; ) {
          const item = waiting[at]!;
          if (item.target !== undefined && blocked.has(item.target)) {
            at++;
            continue;
          }
          waiting.splice(at, 1);
          start(item);
          if (item.target !== undefined) blocked.add(item.target);
        }
        if (running === 0 && waiting.length === 0) resolve();
      }

      function start(item: (typeof waiting)[number]): void {
        running++;
        if (item.target !== undefined) held.add(item.target);
        run(item.index, item.call).then(() => {
          running--;
          if (item.target !== undefined) held.delete(item.target);
          fill();
        }, reject);
      }

      fill();
    });
}
