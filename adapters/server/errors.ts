/** What is said of an error that somebody else threw. */

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The system's name for what went wrong, as `ENOENT`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : String(error);
}

/** There is no such file. */
export const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT";
