/** The table of the last rows: newest first, filtered while typing, not moving while it is read. */
import type { LiveRow } from "../wire.ts";
import { formatMs, formatNumber } from "./format.ts";

export interface RowTable {
  /** Oldest first. */
  add(rows: readonly LiveRow[]): void;
  /** Forgets what it has: a new feed begins with all rows there are. */
  clear(): void;
}

/** Every word must be somewhere in the row, in any case. */
export function matchesFilter(row: LiveRow, filter: string): boolean {
  const { tenantId, keyId, provider, model, outcome, status, usageSource, requestId } = row;
  const text =
    `${tenantId} ${keyId ?? ""} ${provider} ${model ?? ""} ${outcome} ${status ?? ""} ${usageSource} ${requestId}`.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Text goes in as text, never as markup: a model's name is whatever a client or a provider says. */
export function rowElement(row: LiveRow): HTMLTableRowElement {
  const line = document.createElement("tr");
  line.title = `request ${row.requestId}, usage ${row.usageSource}`;
  const count = (tokens: number | undefined): string => (tokens === undefined ? "–" : formatNumber(tokens));
  const cells: readonly (readonly [name: string, text: string])[] = [
    ["time", new Date(row.timestamp).toLocaleTimeString([], { hour12: false })],
    ["tenant", row.tenantId],
    ["key", row.keyId ?? "–"],
    ["provider", row.provider],
    ["model", row.model ?? "–"],
    ["in", count(row.inputTokens)],
    ["out", count(row.outputTokens)],
    ["outcome", `${row.outcome.replaceAll("_", " ")}${row.status === undefined ? "" : ` · ${row.status}`}`],
    ["ttft", row.ttftMs === undefined ? "–" : formatMs(row.ttftMs)],
    ["took", formatMs(row.latencyMs)],
  ];
  for (const [name, text] of cells) {
    const cell = line.insertCell();
    cell.className = name;
    cell.textContent = text;
  }
  line.classList.add(row.outcome === "ok" ? "good" : row.outcome === "client_cancelled" ? "left" : "bad");
  return line;
}

export function createRowTable(host: HTMLElement, capacity: number): RowTable {
  const find = <T extends Element>(selector: string): T => host.querySelector<T>(selector)!; // the page's own markup
  const body = find<HTMLElement>("tbody");
  const filter = find<HTMLInputElement>("input");
  const pause = find<HTMLButtonElement>("button");
  const note = find<HTMLElement>(".note");
  let shown: { readonly row: LiveRow; readonly line: HTMLTableRowElement }[] = [];
  let waiting: LiveRow[] = [];
  let isPaused = false;

  const applyFilter = (): void => {
    let matching = 0;
    for (const { row, line } of shown) {
      line.hidden = !matchesFilter(row, filter.value);
      if (!line.hidden) matching++;
    }
    const paused = waiting.length > 0 ? `, ${waiting.length} waiting` : "";
    note.textContent =
      shown.length === 0
        ? "No managed request has ended yet."
        : `${matching} of ${shown.length} rows${paused}`;
  };
  const release = (): void => {
    const added = waiting.map((row) => ({ row, line: rowElement(row) }));
    waiting = [];
    for (const { line } of added) body.prepend(line);
    shown = [...shown, ...added];
    for (const { line } of shown.splice(0, shown.length - capacity)) line.remove();
    applyFilter();
  };

  filter.addEventListener("input", applyFilter);
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Resume" : "Pause";
    pause.setAttribute("aria-pressed", String(isPaused));
    if (!isPaused) release();
  });
  return {
    add(rows) {
      waiting = [...waiting, ...rows].slice(-capacity);
      if (isPaused) applyFilter();
      else release();
    },
    clear() {
      body.replaceChildren();
      shown = [];
      waiting = [];
    },
  };
}
