/** `ls`: what is in a folder. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Tool } from "../../../../src/agent/types.ts";
import { fitLines } from "./limits.ts";
import { pathError, resolvePath } from "./paths.ts";
import { flag, numberOf, objectSchema, optionalText, positive, string } from "./tool-input.ts";

const defaultLimit = 500;

export function createLsTool(cwd: string): Tool {
  return {
    name: "ls",
    description: "List a folder: folders first, with a trailing /.",
    input_schema: objectSchema(
      {
        path: string("Folder to list; the working directory if left out"),
        all: flag("Also names that begin with a dot"),
        limit: positive(`Entries to show (${defaultLimit})`),
      },
      [],
    ),
    async run(input) {
      const path = optionalText(input, "path") ?? ".";
      const names = await list(resolvePath(cwd, path), path, input.all === true);
      if (names.length === 0) return { text: "(empty folder)" };
      const { text, shown } = fitLines(names.slice(0, numberOf(input, "limit", defaultLimit)));
      if (shown === names.length) return { text };
      return {
        text: `${text}\n[showing ${shown} of ${names.length} entries; use limit=N or a narrower path]`,
      };
    },
  };
}

async function list(folder: string, path: string, all: boolean): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const seen = entries.filter((entry) => all || !entry.name.startsWith("."));
    const marked = await Promise.all(
      seen.map(async (entry) => {
        // A link to a folder can be listed like one; a broken link is a name like any other.
        const linked = entry.isSymbolicLink()
          ? await stat(join(folder, entry.name)).catch(() => undefined)
          : undefined;
        return { name: entry.name, folder: (linked ?? entry).isDirectory() };
      }),
    );
    marked.sort((a, b) => Number(b.folder) - Number(a.folder) || (a.name < b.name ? -1 : 1));
    return marked.map((entry) => (entry.folder ? `${entry.name}/` : entry.name));
  } catch (thrown) {
    throw pathError(path, thrown);
  }
}
