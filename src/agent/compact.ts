/** Runs one compaction: asks the model for a summary and puts it in the place of what it covers. */
import { callModel } from "./call-model.ts";
import { findCut, summaryChars, summaryMessage, summaryPrompt } from "./compaction.ts";
import { estimateMessage, estimateMessages } from "./estimate.ts";
import type { Session } from "./session.ts";
import { textOf } from "./transcript.ts";
import type { EventSink, ModelTransport } from "./types.ts";

interface CompactOptions {
  readonly session: Session;
  readonly transport: ModelTransport;
  readonly contextWindow: number;
  readonly signal: AbortSignal;
  readonly onEvent: EventSink;
  readonly random: () => number;
}

/** False when there was nothing to summarise or the model failed: the session is then as it was. */
export async function compact(options: CompactOptions): Promise<boolean> {
  const { session, onEvent } = options;
  const messages_before = session.messages.length;
  const tokens_before = contextTokens(session);
  await onEvent({ kind: "compaction_start" });
  const done = await summarise(options, tokens_before);
  await onEvent({
    kind: "compacted",
    messages_before,
    messages_after: session.messages.length,
    tokens_before,
    tokens_after: contextTokens(session),
  });
  return done;
}

/** What the next request will hold, as far as it is known. */
export function contextTokens({ state }: Session): number {
  return state.lastInput + state.tokensSince;
}

async function summarise(options: CompactOptions, tokensBefore: number): Promise<boolean> {
  const { session, transport, contextWindow, signal, random } = options;
  const cut = findCut(session.messages, contextWindow);
  if (cut === undefined) return false;
  const head = session.messages.slice(0, cut);
  const result = await callModel({
    transport,
    request: {
      model: session.state.model,
      system: "",
      messages: [summaryPrompt(head, summaryChars(contextWindow))],
      tools: [],
      signal,
    },
    takenIds: session.state.callIds,
    // The summary is not part of the answer, so its stream is not shown; its retries are.
    onEvent: (event) => (event.kind === "retry" ? options.onEvent(event) : undefined),
    random,
  });
  const summary = result.ok ? textOf(result.answer.message).trim() : "";
  if (!result.ok || summary === "") return false;
  // Taken off the last count, which includes the system prompt and the tools; a fresh estimate would miss them.
  const saved = estimateMessages(head) - estimateMessage(summaryMessage(summary));
  const least = estimateMessages(session.messages.slice(cut));
  await session.addCompaction({
    summary,
    firstKept: cut,
    tokensBefore,
    tokensAfter: Math.max(least, tokensBefore - saved),
    usage: result.answer.usage,
  });
  return true;
}
