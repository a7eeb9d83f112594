/** The error of every failed model call: what went wrong, and whether another attempt may succeed. */

export interface ModelErrorOptions {
  /** HTTP status, if there was a response. */
  readonly status?: number | undefined;
  /** Another attempt may succeed. */
  readonly retryable?: boolean;
  /** Wait that the server asked for. */
  readonly retryAfterMs?: number | undefined;
  /** The request did not fit into the model's context window. */
  readonly contextOverflow?: boolean;
}

/** A model call that failed. `message` is fit for a user and carries no credential. */
export class ModelError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly contextOverflow: boolean;

  constructor(code: string, message: string, options: ModelErrorOptions = {}) {
    super(message);
    this.name = "ModelError";
    this.code = code;
    this.status = options.status;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.contextOverflow = options.contextOverflow ?? false;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return String(thrown);
}
