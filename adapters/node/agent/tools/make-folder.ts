/** Makes a folder and those above it. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "./paths.ts";

/** Node's own `recursive` never settles below `/proc`, where a folder is missing and cannot be made (Node 24). */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(path) === path || (await exists(dirname(path)))) throw thrown;
    await makeFolder(dirname(path), mode);
    await makeFolder(path, mode);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
