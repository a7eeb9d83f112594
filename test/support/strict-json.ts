/** Shorthands for the stand-ins' checks: each gives the first problem, or undefined. */

export type Json = Record<string, unknown>;
export type Problem = string | undefined;

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}

/** A member that the API does not know is refused by name. */
export function unknownMember(value: Json, known: readonly string[], where: string): Problem {
  const extra = Object.keys(value).find((name) => !known.includes(name));
  return extra === undefined ? undefined : `${where}.${extra}: Extra inputs are not permitted`;
}

/** The first problem of a list of checks. */
export function first(...problems: readonly Problem[]): Problem {
  return problems.find((problem) => problem !== undefined);
}

export function firstOf<T>(values: readonly T[], check: (value: T, index: number) => Problem): Problem {
  for (const [index, value] of values.entries()) {
    const problem = check(value, index);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
