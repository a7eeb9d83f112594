/** Walks a folder of source code, in order of name, without `.git` and what `.gitignore` excludes. */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { type IgnoreRules, isIgnored, rulesAround, withFolder } from "./ignore-rules.ts";

interface Found {
  readonly path: string;
  readonly isFolder: boolean;
}

/** Links are listed and not followed, so that a walk ends. Folders that cannot be read count as empty. */
export function* walk(root: string): Generator<Found> {
  yield* walkFolder(root, rulesAround(root));
}

function* walkFolder(folder: string, outer: IgnoreRules | undefined): Generator<Found> {
  const rules = withFolder(outer, folder);
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    const isFolder = entry.isDirectory();
    if (entry.name === ".git" || isIgnored(rules, path, isFolder)) continue;
    yield { path, isFolder };
    if (isFolder) yield* walkFolder(path, rules);
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}
