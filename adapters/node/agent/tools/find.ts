/** `find`: files and folders by glob. */
import { stat } from "node:fs/promises";
import { relative } from "node:path";
import type { Tool } from "../../../../src/agent/types.ts";
import { fitLines } from "./limits.ts";
import { pathError, resolvePath } from "./paths.ts";
import { runSearch } from "./search-thread.ts";
import { numberOf, objectSchema, optionalText, positive, string, textOf } from "./tool-input.ts";

const defaultLimit = 1_000;

export function createFindTool(cwd: string): Tool {
  return {
    name: "find",
    description:
      "Find files and folders by glob, such as *.ts (any depth) or src/**/*.test.ts. What .gitignore excludes is left out.",
    input_schema: objectSchema(
      {
        pattern: string("Glob"),
        path: string("Folder to search; the working directory if left out"),
        limit: positive(`Paths to show (${defaultLimit})`),
      },
      ["pattern"],
    ),
    async run(input, { signal }) {
      const path = optionalText(input, "path") ?? ".";
      const root = resolvePath(cwd, path);
      const found = await stat(root).catch((thrown) => {
        throw pathError(path, thrown);
      });
      if (!found.isDirectory()) throw new Error(`${path}: is not a folder`);
      const limit = numberOf(input, "limit", defaultLimit);
      const result = await runSearch(
        { kind: "find", root, pattern: textOf(input, "pattern"), limit },
        signal,
      );
      if (result.stalled)
        throw new Error("the search takes too long: simplify the pattern or narrow the path");
      if (result.paths.length === 0) return { text: "no files found" };
      const names = result.paths.map((file) => relative(cwd, file) + (file.endsWith("/") ? "/" : ""));
      const { text, shown } = fitLines(names);
      const cut = result.limited || shown < names.length;
      return {
        text: cut ? `${text}\n[showing the first ${shown}; use limit=N or a narrower pattern]` : text,
      };
    },
  };
}
