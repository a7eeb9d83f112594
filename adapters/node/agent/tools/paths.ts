/** Paths as a model writes them, and errors that name them so. */
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { messageOf } from "../../../../src/agent/errors.ts";

/** Relative to the working directory; `~/` is the home directory. */
export function resolvePath(cwd: string, path: string): string {
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  return resolve(cwd, path);
}

/** One name for a file, however it is spelled: links in the part that exists are followed. */
export function canonicalPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(canonicalPath(parent), basename(path));
  }
}

const problems = new Map([
  ["ENOENT", "no such file or directory"],
  ["EEXIST", "something else is in the way"],
  ["EISDIR", "is a directory"],
  ["ENOTDIR", "a part of the path is not a directory"],
  ["EACCES", "permission denied"],
  ["EPERM", "not permitted"],
  ["ENOSPC", "no space left on the device"],
  ["EROFS", "the file system is read-only"],
]);

/** An error that names the path as the model wrote it. */
export function pathError(path: string, thrown: unknown): Error {
  return new Error(`${path}: ${problems.get(errorCode(thrown) ?? "") ?? messageOf(thrown)}`);
}

/** Node's error code (`ENOENT`, …), if it is one of its errors. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}
