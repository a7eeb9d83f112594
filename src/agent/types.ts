/** The agent's vocabulary: blocks, messages, usage, the events of a stream and of a run, and the seams around the loop. */

/** Base64 image data inside a message or a tool result. */
export interface ImageBlock {
  readonly type: "image";
  readonly source: { readonly type: "base64"; readonly media_type: string; readonly data: string };
}

export interface TextBlock {
  readonly type: "text";
  readonly text: string;
}

/** Visible reasoning. `signature` is empty where the provider signs nothing; such a block is shown and never replayed. */
export interface ThinkingBlock {
  readonly type: "thinking";
  readonly thinking: string;
  readonly signature: string;
}

/** Reasoning that the provider encrypted; replayed as it came. */
export interface RedactedThinkingBlock {
  readonly type: "redacted_thinking";
  readonly data: string;
}

export interface ToolUseBlock {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  readonly input: Record<string, unknown>;
}

export interface ToolResultBlock {
  readonly type: "tool_result";
  readonly tool_use_id: string;
  readonly content: string;
  readonly is_error: boolean;
  readonly images?: readonly ImageBlock[];
}

export type Block =
  | TextBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | ToolUseBlock
  | ToolResultBlock
  | ImageBlock;

/** One turn of the transcript. `model_id` names the model that wrote an assistant message. */
export interface Message {
  readonly role: "user" | "assistant";
  readonly content: readonly Block[];
  readonly model_id?: string;
}

export type StopReason = "end_turn" | "tool_use" | "max_tokens" | "stop_sequence" | "refusal" | "other";

/**
 * Token counts. `input_tokens` leaves cache reads and writes out; the whole prompt is the sum of the three.
 * `cache_write_1h_tokens` is a part of `cache_write_tokens`, `reasoning_tokens` a part of `output_tokens`.
 */
export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly cache_write_1h_tokens: number;
  readonly reasoning_tokens: number;
}

/** What a model stream says, whatever its wire. A later `usage` replaces an earlier one; `message_stop` is the last event. */
export type StreamEvent =
  | { readonly type: "message_start" }
  | { readonly type: "text_delta"; readonly index: number; readonly text: string }
  | { readonly type: "thinking_delta"; readonly index: number; readonly text: string }
  | { readonly type: "signature_delta"; readonly index: number; readonly signature: string }
  | { readonly type: "redacted_thinking"; readonly index: number; readonly data: string }
  | { readonly type: "tool_use_start"; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: "input_json_delta"; readonly index: number; readonly partial_json: string }
  | { readonly type: "content_block_stop"; readonly index: number }
  | ({ readonly type: "usage" } & Usage)
  | { readonly type: "message_stop"; readonly stop_reason: StopReason };

/** A JSON Schema object, as the providers take it for tool input. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The part of a tool that the model sees. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly input_schema: JsonSchema;
}

/** What a tool gives back. `terminate` ends the run once the turn's results are in the transcript. */
export interface ToolOutput {
  readonly text: string;
  readonly images?: readonly ImageBlock[];
  readonly terminate?: boolean;
}

export interface ToolContext {
  /** The call's id, as in the events. */
  readonly id: string;
  /** Aborted when the run is; the tool then stops whatever it started before it settles. */
  readonly signal: AbortSignal;
  /** Shows the work so far; a later snapshot replaces an earlier one. */
  progress(snapshot: string): void;
}

/** Something that the model can do. A throw is an error result for the model; its message should say what to do next. */
export interface Tool extends ToolSpec {
  run(input: Record<string, unknown>, context: ToolContext): Promise<ToolOutput>;
  /** Calls with the same target run one after another, in call order. Asked with valid input only. */
  write_target?(input: Record<string, unknown>): string | undefined;
  /** One such call makes the whole turn run serially. */
  readonly exclusive?: boolean;
}

/** One call of a model. `messages` is a valid transcript: every `tool_use` is followed by its result. */
export interface ModelRequest {
  readonly model: string;
  readonly system: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolSpec[];
  /** Tokens that may be spent on thinking (Anthropic wire). */
  readonly thinking_budget?: number;
  /** `low`, `medium`, `high`, or what else the model knows. */
  readonly reasoning_effort?: string;
  readonly signal: AbortSignal;
}

/** The way to a model. One attempt: it throws `ModelError`, before the first event or in the middle, and never retries. */
export interface ModelTransport {
  stream(request: ModelRequest): AsyncIterable<StreamEvent>;
}

/** What a run tells whoever watches. The last event of every run is `agent_end` or `error`. */
export type AgentEvent =
  | { readonly kind: "agent_start" }
  | { readonly kind: "turn_start"; readonly step: number }
  | ({ readonly kind: "stream" } & StreamEvent)
  | {
      readonly kind: "tool_start";
      readonly id: string;
      readonly name: string;
      readonly input: Record<string, unknown>;
    }
  | { readonly kind: "tool_progress"; readonly id: string; readonly name: string; readonly snapshot: string }
  | {
      readonly kind: "tool_end";
      readonly id: string;
      readonly name: string;
      readonly result: string;
      readonly is_error: boolean;
    }
  | {
      readonly kind: "turn_end";
      readonly step: number;
      readonly stop_reason: StopReason;
      readonly usage: Usage;
    }
  | { readonly kind: "steered"; readonly messages: readonly string[] }
  | { readonly kind: "compaction_start" }
  | {
      readonly kind: "compacted";
      readonly messages_before: number;
      readonly messages_after: number;
      readonly tokens_before: number;
      readonly tokens_after: number;
    }
  | { readonly kind: "retry"; readonly attempt: number; readonly delay_ms: number; readonly error: string }
  | { readonly kind: "error"; readonly message: string; readonly code: string }
  | { readonly kind: "agent_end"; readonly steps: number; readonly stop_reason: StopReason };

/** Takes the events in order. A promise holds the stream back until it settles, so that a slow reader is not outrun. */
export type EventSink = (event: AgentEvent) => void | Promise<void>;
