/** Reads what `rg --json` prints, and asks it for the same files as the built-in walk would read. */
import { asObject, asString, parseJson } from "../../../../src/agent/json.ts";
import type { Processes } from "./processes.ts";
import type { GrepJob, GrepLine } from "./search-job.ts";
import type { SearchResult } from "./search-thread.ts";

const timeoutMs = 60_000;

function argsOf(job: GrepJob): string[] {
  const rules = ["--json", "--no-config", "--hidden", "--no-require-git", "--glob=!.git", "--sort=path"];
  const how = [...(job.literal ? ["--fixed-strings"] : []), ...(job.ignoreCase ? ["--ignore-case"] : [])];
  return [...rules, ...how, `--context=${job.context}`, `--regexp=${job.pattern}`, "--", job.root];
}

/** Rejects with rg's own message when the pattern is invalid. `cwd` may be any folder that exists. */
export async function runRipgrep(
  rg: string,
  job: GrepJob,
  cwd: string,
  env: NodeJS.ProcessEnv,
  processes: Processes,
  signal: AbortSignal,
): Promise<SearchResult> {
  const found = createCollector(job.limit);
  const enough = new AbortController();
  let rest = "";
  let errors = "";
  const decoder = new TextDecoder();
  const end = await processes.run({
    file: rg,
    args: argsOf(job),
    cwd,
    env,
    timeoutMs,
    signal: AbortSignal.any([signal, enough.signal]),
    onOutput: (chunk) => {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) found.take(line);
      if (found.limited()) enough.abort();
    },
    onErrorOutput: (chunk) => {
      if (errors.length < 2_000) errors += chunk.toString("utf8");
    },
  });
  if (signal.aborted) throw new Error("aborted");
  // 0 found, 1 nothing found, 2 an error, which may be one unreadable file among many good ones.
  if (end.code === 2 && found.lines().length === 0) throw new Error(errors.trim() || "rg failed");
  return { lines: found.lines(), paths: [], limited: found.limited(), stalled: end.timedOut };
}

function createCollector(limit: number) {
  const lines: GrepLine[] = [];
  let matches = 0;
  return {
    limited: () => matches > limit,
    lines: () => lines,
    take(json: string): void {
      const event = asObject(parseJson(json));
      const data = asObject(event?.data);
      const path = textOf(data?.path);
      const line = data?.line_number;
      if (!data || path === undefined || typeof line !== "number") return;
      const matched = event?.type === "match";
      if (!matched && event?.type !== "context") return;
      if (matched) matches++;
      if (matches > limit) return;
      const text = (textOf(data.lines) ?? "").replace(/\r?\n$/, "");
      lines.push({ path, line, text, matched });
    },
  };
}

/** rg gives `{text}`, or `{bytes}` in base64 for what is not UTF-8. */
function textOf(value: unknown): string | undefined {
  const field = asObject(value);
  const bytes = asString(field?.bytes);
  return (
    asString(field?.text) ?? (bytes === undefined ? undefined : Buffer.from(bytes, "base64").toString("utf8"))
  );
}
