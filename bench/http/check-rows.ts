/** Holds the gateway's rows against what the load saw: a gateway that forgets rows would be fast. */
import { readFileSync } from "node:fs";
import { type AnswerKind, OUTPUT_TOKENS } from "./answers.ts";
import type { Counts } from "./scenario.ts";

interface Row {
  readonly target: string;
  readonly outcome: string;
  readonly usage_source: string;
  readonly output_tokens?: number;
}

/** Throws unless there is an exact row for each answer, and no more others than requests that were cut off. */
export function checkRows(rowsFile: string, answer: AnswerKind, { answered, cutOff }: Counts): void {
  const rows = readFileSync(rowsFile, "utf8").split("\n").filter(Boolean).map(parseRow);
  const exact = rows.filter(
    (row) =>
      row.outcome === "ok" && row.usage_source === "reported" && row.output_tokens === OUTPUT_TOKENS[answer],
  ).length;
  const others = rows.length - exact;
  // An answer may have been written whole when the load had stopped reading.
  if (exact < answered || exact > answered + cutOff || others > cutOff) {
    throw new Error(
      `${answered} answers and at most ${cutOff} cut off, but ${exact} exact rows and ${others} others`,
    );
  }
}

function parseRow(line: string): Row {
  const row: Row = JSON.parse(line);
  if (row.target !== "ai.usage") throw new Error(`not a row: ${line.slice(0, 200)}`);
  return row;
}
