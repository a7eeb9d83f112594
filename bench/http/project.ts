/** Where the project is, and what is installed in it or on the machine. */
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const PROJECT_ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A file of bench/http/. */
export const benchFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export const isInstalled = (module: string): boolean => resolveModule(module) !== undefined;

/** The file that a module specifier means in a folder, the project's by default. */
export function resolveModule(specifier: string, folder = PROJECT_ROOT): string | undefined {
  try {
    return createRequire(join(folder, "package.json")).resolve(specifier);
  } catch {
    return undefined;
  }
}

/** Debian keeps nginx in a folder that only root has on its PATH. */
const MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

/** The program's path: the project's own, else the machine's. */
export function findProgram(name: string): string | undefined {
  const folders = [join(PROJECT_ROOT, "node_modules/.bin"), ...(process.env.PATH ?? "").split(delimiter)];
  return [...folders, ...MORE_FOLDERS].map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
