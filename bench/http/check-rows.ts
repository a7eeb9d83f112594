/** Holds the gateway's rows against what the loads saw: a gateway that forgets rows would be fast. */
import { readFileSync } from "node:fs";
import { type AnswerKind, OUTPUT_TOKENS } from "./answers.ts";
import type { Counts } from "./scenario.ts";

interface Row {
  readonly target: string;
  readonly outcome: string;
  readonly usage_source: string;
  readonly output_tokens?: number;
}

/** Throws unless there is an exact row for each answer of its kind, and no more others than requests that were cut off. */
export function checkRows(rowsFile: string, expected: ReadonlyMap<AnswerKind, Counts>): void {
  const rows = readFileSync(rowsFile, "utf8").split("\n").filter(Boolean).map(parseRow);
  let others = rows.length;
  let cutOffInAll = 0;
  for (const [kind, { answered, cutOff }] of expected) {
    const exact = rows.filter((row) => isExact(row, kind)).length;
    // An answer may have been written whole when the load had stopped reading.
    if (exact < answered || exact > answered + cutOff)
      throw new Error(`${answered} ${kind} answers and at most ${cutOff} cut off, but ${exact} exact rows`);
    others -= exact;
    cutOffInAll += cutOff;
  }
  if (others > cutOffInAll)
    throw new Error(`at most ${cutOffInAll} cut off, but ${others} rows that are not exact`);
}

const isExact = (row: Row, kind: AnswerKind): boolean =>
  row.outcome === "ok" && row.usage_source === "reported" && row.output_tokens === OUTPUT_TOKENS[kind];

function parseRow(line: string): Row {
  const row: Row = JSON.parse(line);
  if (row.target !== "ai.usage") throw new Error(`not a row: ${line.slice(0, 200)}`);
  return row;
}
