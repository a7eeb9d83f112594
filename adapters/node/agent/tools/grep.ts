/** `grep`: lines that match a pattern, by ripgrep when it is installed. */
import { stat } from "node:fs/promises";
import { relative } from "node:path";
import { messageOf } from "../../../../src/agent/errors.ts";
import type { Tool } from "../../../../src/agent/types.ts";
import { findProgram } from "./environment.ts";
import { cutText, fitLines } from "./limits.ts";
import { pathError, resolvePath } from "./paths.ts";
import type { Processes } from "./processes.ts";
import { runRipgrep } from "./ripgrep.ts";
import type { GrepJob, GrepLine } from "./search-job.ts";
import { runSearch, type SearchResult } from "./search-thread.ts";
import { flag, numberOf, objectSchema, optionalText, positive, string, textOf } from "./tool-input.ts";

const defaultLimit = 100;
const maxLineBytes = 500;

export function createGrepTool(cwd: string, env: NodeJS.ProcessEnv, processes: Processes): Tool {
  const rg = findProgram("rg", env);
  return {
    name: "grep",
    description: "Search files for a regular expression. What .gitignore excludes is left out.",
    input_schema: objectSchema(
      {
        pattern: string("Regular expression"),
        path: string("Folder or file to search; the working directory if left out"),
        glob: string("Only files that match, such as *.ts or src/**/*.ts"),
        ignore_case: flag("Match upper and lower case alike"),
        literal: flag("Take the pattern as plain text"),
        context: { type: "integer", minimum: 0, maximum: 50, description: "Lines to show around each match" },
        limit: positive(`Matches to show (${defaultLimit})`),
      },
      ["pattern"],
    ),
    async run(input, { signal }) {
      const path = optionalText(input, "path") ?? ".";
      const root = resolvePath(cwd, path);
      await stat(root).catch((thrown) => {
        throw pathError(path, thrown);
      });
      const job: GrepJob = {
        kind: "grep",
        root,
        pattern: textOf(input, "pattern"),
        literal: input.literal === true,
        ignoreCase: input.ignore_case === true,
        glob: optionalText(input, "glob"),
        context: numberOf(input, "context", 0),
        limit: numberOf(input, "limit", defaultLimit),
      };
      // rg's --glob brings back what .gitignore excludes, so a search with a glob is left to the built-in one.
      const useRg = rg !== undefined && job.glob === undefined;
      const work = useRg ? runRipgrep(rg, job, cwd, env, processes, signal) : runSearch(job, signal);
      const result = await work.catch((thrown: unknown) => {
        throw explain(thrown, job.pattern, signal);
      });
      return { text: formatResult(result, cwd, job) };
    },
  };
}

function explain(thrown: unknown, pattern: string, signal: AbortSignal): Error {
  const message = messageOf(thrown);
  if (signal.aborted || !/regex|regular expression/i.test(message)) return new Error(message);
  return new Error(
    `invalid pattern ${JSON.stringify(pattern)}: ${message}; set literal to search for it as plain text`,
  );
}

function formatResult(result: SearchResult, cwd: string, job: GrepJob): string {
  if (result.stalled && result.lines.length === 0) throw new Error(stallNote);
  const lines = formatLines(result.lines, cwd, job.context > 0);
  const { text, shown } = fitLines(lines);
  const notes = [
    ...(result.stalled ? [`[incomplete: ${stallNote}]`] : []),
    ...(result.limited
      ? [`[showing the first ${job.limit} matches; use limit=N or a narrower pattern]`]
      : []),
    ...(shown < lines.length ? ["[output cut; use a narrower pattern, path or glob]"] : []),
  ];
  return [text === "" ? "no matches" : text, ...notes].join("\n");
}

const stallNote = "the pattern takes too long: simplify it, or narrow path or glob";

/** With `--` between two lines of one file when those between them were left out, as grep prints it beside context. */
function formatLines(lines: readonly GrepLine[], cwd: string, hasContext: boolean): string[] {
  return lines.flatMap((line, at) => {
    const before = lines[at - 1];
    const gap = hasContext && before?.path === line.path && before.line + 1 !== line.line;
    return [...(gap ? ["--"] : []), formatLine(line, cwd)];
  });
}

/** `path:line: text`, and `path-line- text` for the lines around a match. */
function formatLine({ path, line, text, matched }: GrepLine, cwd: string): string {
  const name = relative(cwd, path) || path;
  const mark = matched ? ":" : "-";
  const cut = cutText(text, maxLineBytes);
  return `${name}${mark}${line}${mark} ${cut}${cut === text ? "" : " […]"}`;
}
