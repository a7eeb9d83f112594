/** What a search is asked for and what it finds, as messages between the agent and its search worker. */

export interface GrepJob {
  readonly kind: "grep";
  /** Absolute; a folder or a file. */
  readonly root: string;
  readonly pattern: string;
  readonly literal: boolean;
  readonly ignoreCase: boolean;
  readonly glob: string | undefined;
  readonly context: number;
  readonly limit: number;
}

interface FindJob {
  readonly kind: "find";
  readonly root: string;
  readonly pattern: string;
  readonly limit: number;
}

export type SearchJob = GrepJob | FindJob;

/** A line of a file: one that matched, or one beside it. */
export interface GrepLine {
  readonly path: string;
  readonly line: number;
  readonly text: string;
  readonly matched: boolean;
}

export type SearchMessage =
  | { readonly type: "alive" }
  | { readonly type: "lines"; readonly lines: readonly GrepLine[] }
  | { readonly type: "paths"; readonly paths: readonly string[] }
  | { readonly type: "problem"; readonly message: string }
  | { readonly type: "done"; readonly limited: boolean };
