/** One answer from a model, however many attempts it takes. */
import { abortedError, untilAborted } from "./abort.ts";
import { type Answer, type Assembler, createAssembler } from "./assemble.ts";
import { ModelError, messageOf } from "./errors.ts";
import { maxRetries, pause, retryDelayMs } from "./retry.ts";
import type { EventSink, Message, ModelRequest, ModelTransport } from "./types.ts";

export interface CallOptions {
  readonly transport: ModelTransport;
  readonly request: ModelRequest;
  /** Call ids that the session has used already. */
  readonly takenIds: ReadonlySet<string>;
  readonly onEvent: EventSink;
  /** Gives [0, 1), for the jitter. */
  readonly random: () => number;
}

export type CallResult =
  | { readonly ok: true; readonly answer: Answer }
  /** `partial` is what may be kept of an answer that was stopped; its content is empty when nothing was said. */
  | { readonly ok: false; readonly error: ModelError; readonly partial: Message };

/**
 * Calls the model. Requests that got no answer and streams that broke have separate budgets of retries. Starting a
 * stream again is safe, since no tool runs before its answer is whole. A failure of the model is a result; only a sink
 * that fails makes this throw.
 */
export async function callModel(options: CallOptions): Promise<CallResult> {
  const { request, onEvent } = options;
  const retries = { before: 0, during: 0 };
  for (;;) {
    const assembler = createAssembler(request.model, options.takenIds);
    const { error, heard } = await attempt(options, assembler);
    if (!error) return { ok: true, answer: assembler.answer() };
    const failed: CallResult = { ok: false, error, partial: assembler.partial() };
    const stage = heard ? "during" : "before";
    if (!error.retryable || retries[stage] === maxRetries) return failed;
    retries[stage] += 1;
    const delay_ms = retryDelayMs(retries[stage], error.retryAfterMs, options.random);
    await onEvent({ kind: "retry", attempt: retries[stage], delay_ms, error: error.message });
    await pause(delay_ms, request.signal);
    if (request.signal.aborted) return { ...failed, error: abortedError() };
  }
}

/** No `error` means that the message is whole. `heard`: the stream had begun. */
async function attempt(
  { transport, request, onEvent }: CallOptions,
  assembler: Assembler,
): Promise<{ error?: ModelError; heard: boolean }> {
  const stream = transport.stream(request)[Symbol.asyncIterator]();
  let heard = false;
  let whole = false;
  try {
    while (!request.signal.aborted) {
      const next = await untilAborted(stream.next(), request.signal);
      if (next.done) break;
      heard = true;
      whole = next.value.type === "message_stop";
      assembler.push(next.value);
      await tell(onEvent, next.value);
    }
  } catch (thrown) {
    if (thrown instanceof SinkError) throw thrown.cause;
    if (!whole) return { error: asModelError(thrown), heard };
  } finally {
    // Not awaited: a transport that ignores the signal would hold the run up.
    Promise.resolve(stream.return?.()).catch(() => undefined);
  }
  if (whole) return { heard };
  const error = request.signal.aborted
    ? abortedError()
    : new ModelError("cut_short", "the model's stream ended before its end", { retryable: true });
  return { error, heard };
}

/** Tells a failing sink from a failing model. */
class SinkError extends Error {}

async function tell(onEvent: EventSink, event: Parameters<Assembler["push"]>[0]): Promise<void> {
  try {
    await onEvent({ kind: "stream", ...event });
  } catch (cause) {
    throw new SinkError("event sink failed", { cause });
  }
}

function asModelError(thrown: unknown): ModelError {
  return thrown instanceof ModelError ? thrown : new ModelError("model_failed", messageOf(thrown));
}
