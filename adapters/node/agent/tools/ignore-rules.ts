/** `.gitignore` files, from the root of the repository down. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import ignore, { type Ignore } from "ignore";

/** The rules of one folder and of those around it; undefined where there are none. */
export interface IgnoreRules {
  readonly folder: string;
  readonly rules: Ignore;
  readonly outer: IgnoreRules | undefined;
}

/** Adds the folder's own `.gitignore`, if it has one. */
export function withFolder(outer: IgnoreRules | undefined, folder: string): IgnoreRules | undefined {
  try {
    const text = readFileSync(join(folder, ".gitignore"), "utf8");
    // As git does where file names have case: the package's default would take `Lib` for `lib`.
    return { folder, rules: ignore({ ignorecase: false }).add(text), outer };
  } catch {
    return outer;
  }
}

/** The rules that hold in `folder`; none of those around it when they exclude it, since it was asked for by name. */
export function rulesAround(folder: string): IgnoreRules | undefined {
  const outer = foldersAbove(folder).reduce<IgnoreRules | undefined>(withFolder, undefined);
  return isIgnored(outer, folder, true) ? undefined : outer;
}

/** The innermost rule that speaks about the path decides. */
export function isIgnored(rules: IgnoreRules | undefined, path: string, isFolder: boolean): boolean {
  for (let scope = rules; scope; scope = scope.outer) {
    const inside = relative(scope.folder, path).split(sep).join("/");
    const verdict = scope.rules.test(isFolder ? `${inside}/` : inside);
    if (verdict.ignored) return true;
    if (verdict.unignored) return false;
  }
  return false;
}

/** From the repository's root to the folder's parent; none outside a repository. */
function foldersAbove(folder: string): string[] {
  const folders: string[] = [];
  if (existsSync(join(folder, ".git"))) return folders;
  for (let at = dirname(folder); ; at = dirname(at)) {
    folders.unshift(at);
    if (existsSync(join(at, ".git"))) return folders;
    if (dirname(at) === at) return [];
  }
}
