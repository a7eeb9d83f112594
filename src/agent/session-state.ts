/** What the entries of a session add up to. */
import { summaryMessage } from "./compaction.ts";
import { estimateMessage } from "./estimate.ts";
import type { CompactionEntry, MessageEntry, SessionEntry, SessionHeader } from "./session-entries.ts";
import type { Message, Usage } from "./types.ts";
import { addUsage, noUsage, wholeInput } from "./usage.ts";

/** A message that is part of the transcript, with the id of its entry. */
interface StoredMessage {
  readonly id: string;
  readonly message: Message;
}

export interface SessionState {
  readonly model: string;
  readonly title: string | null;
  readonly transcript: readonly StoredMessage[];
  readonly usage: Usage;
  /** The last turn's whole input. */
  readonly lastInput: number;
  /** Estimate of what came after that input was counted. */
  readonly tokensSince: number;
  readonly lastEntryId: string | null;
  /** Every call id that was ever used. */
  readonly callIds: ReadonlySet<string>;
}

export interface SessionFold {
  add(entry: SessionEntry): void;
  /** The state after the entries so far. Later entries do not change it: it is a copy. */
  state(): SessionState;
}

/** Adds entries up in place, so that a session of any length is read in linear time. */
export function createFold(header: SessionHeader): SessionFold {
  const draft: Draft = {
    model: header.model,
    title: header.title,
    transcript: [],
    usage: noUsage,
    lastInput: 0,
    tokensSince: 0,
    lastEntryId: null,
    callIds: new Set(),
  };
  let copy: SessionState | undefined;
  return {
    add(entry) {
      copy = undefined;
      applyEntry(draft, entry);
    },
    state() {
      copy ??= { ...draft, transcript: [...draft.transcript], callIds: new Set(draft.callIds) };
      return copy;
    },
  };
}

/** A state that is being added up. */
interface Draft extends Writable<Omit<SessionState, "transcript" | "callIds">> {
  readonly transcript: StoredMessage[];
  readonly callIds: Set<string>;
}

type Writable<T> = { -readonly [Member in keyof T]: T[Member] };

function applyEntry(draft: Draft, entry: SessionEntry): void {
  draft.lastEntryId = entry.id;
  switch (entry.type) {
    case "message":
      return applyMessage(draft, entry);
    case "compaction":
      return applyCompaction(draft, entry);
    case "model_change":
      draft.model = entry.model;
      break;
    case "title_change":
      draft.title = entry.title;
      break;
  }
}

function applyMessage(draft: Draft, entry: MessageEntry): void {
  const { id, role, content, model_id, usage } = entry;
  const message: Message = { role, content, ...(model_id !== undefined && { model_id }) };
  // An empty answer was paid for, but no provider accepts it in a transcript.
  if (content.length > 0) draft.transcript.push({ id, message });
  for (const block of content) if (block.type === "tool_use") draft.callIds.add(block.id);
  if (usage) draft.usage = addUsage(draft.usage, usage);
  const tokens = estimateMessage(message);
  // A provider that reports nothing leaves the estimate standing.
  if (usage && wholeInput(usage) > 0) {
    draft.lastInput = wholeInput(usage);
    draft.tokensSince = tokens;
  } else {
    draft.tokensSince += tokens;
  }
}

function applyCompaction(draft: Draft, entry: CompactionEntry): void {
  const { transcript } = draft;
  const firstKept = transcript.findIndex(({ id }) => id === entry.first_kept_id);
  const gone = firstKept < 0 ? transcript.length : firstKept;
  transcript.splice(0, gone, { id: entry.id, message: summaryMessage(entry.summary) });
  if (entry.usage) draft.usage = addUsage(draft.usage, entry.usage);
  draft.lastInput = entry.tokens_after;
  draft.tokensSince = 0;
}
