/** Shorthands for the tools' input: schemas, and reading members that the schema has checked already. */
import type { JsonSchema } from "../../../../src/agent/types.ts";

type Input = Record<string, unknown>;

export function objectSchema(
  properties: Record<string, JsonSchema>,
  required: readonly string[],
): JsonSchema {
  return { type: "object", properties, required, additionalProperties: false };
}

export function string(description: string): JsonSchema {
  return { type: "string", description };
}

/** A whole number of at least one. */
export function positive(description: string): JsonSchema {
  return { type: "integer", minimum: 1, description };
}

export function flag(description: string): JsonSchema {
  return { type: "boolean", description };
}

export function textOf(input: Input, name: string): string {
  return optionalText(input, name) ?? "";
}

export function optionalText(input: Input, name: string): string | undefined {
  const value = input[name];
  return typeof value === "string" ? value : undefined;
}

export function numberOf(input: Input, name: string, fallback: number): number {
  const value = input[name];
  return typeof value === "number" ? value : fallback;
}
